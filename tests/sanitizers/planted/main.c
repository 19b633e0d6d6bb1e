/* Calls one of the two functions of src/lib.rs. */
#include <stdint.h>
#include <string.h>

uint64_t planted_race(void);
uint64_t planted_no_race(void);

int main(int argc, char **argv)
{
    const int race = argc == 2 && strcmp(argv[1], "rust-race") == 0;
    return (race ? planted_race() : planted_no_race()) == 1000 ? 0 : 1;
}
