#include <confdclient.h>
#include <stdio.h>

int main(void)
{
    if (confd_version_number() < CONFD_VERSION_NUMBER) {
        fprintf(stderr, "the library is too old: %s\n",
                confd_version());
        return 1;
    }
    puts("new enough");
    return 0;
}
