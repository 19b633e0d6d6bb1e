/* SHA-1 of the tests' own, which shares no code with the library. */
#ifndef SHA1_H
#define SHA1_H

#include <stddef.h>
#include <stdint.h>

#define SHA1_BEGIN                                                        \
    {                                                                     \
        0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u   \
    }

/* Takes one block of 64 bytes into the state. */
void sha1_block(uint32_t h[5], const uint8_t *block);
void sha1(const uint8_t *data, size_t len, uint8_t out[20]);

#endif
