#include <confdclient.h>
#include <stdio.h>

int main(void)
{
    const char *peers[] = {"192.0.2.11", "node2"};
    confd_client *client = NULL;
    confd_error error =
        confd_client_new("key\n", 4, peers, 2, NULL, NULL, NULL, &client);
    if (error == CONFD_ERR_BAD_PEER)
        printf("code %d: %s\n%s\n", (int)error, confd_strerror(error),
               confd_last_error());
    confd_client_free(client); /* NULL still, which is fine */
    return error == CONFD_OK ? 0 : 1;
}
