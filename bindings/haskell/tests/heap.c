/* For the test that looks for leaks: what the library and the package's C have allocated. */
#include <malloc.h>
#include <stdint.h>

int64_t heap_in_use(void);

int64_t heap_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return (int64_t)(info.uordblks + info.hblkhd);
}
