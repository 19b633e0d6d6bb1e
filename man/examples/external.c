#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <confdclient.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int done;

static void on_result(confd_client *client, const confd_result *result,
                      void *data)
{
    (void)client;
    (void)data;
    puts(result->reply != NULL ? confd_reply_answer_json(result->reply)
                               : "no reply");
    done = 1;
}

/* Sends what the client wants sent. */
static void transmit(confd_client *client, int fd)
{
    confd_datagram datagram;
    while (confd_client_poll_transmit(client, &datagram) == CONFD_OK) {
        struct sockaddr_in to = {.sin_family = AF_INET,
                                 .sin_port = htons(datagram.port)};
        if (inet_pton(AF_INET, datagram.ip, &to.sin_addr) == 1)
            (void)sendto(fd, datagram.data, datagram.len, 0,
                         (struct sockaddr *)&to, sizeof to);
    }
}

/* Waits for a datagram or the next deadline, and tells the client. */
static void wait_once(confd_client *client, int fd)
{
    struct pollfd descriptor = {.fd = fd, .events = POLLIN};
    unsigned char bytes[65536];
    char ip[INET_ADDRSTRLEN];
    struct sockaddr_in from = {.sin_family = AF_UNSPEC};
    socklen_t size = sizeof from;
    if (poll(&descriptor, 1, confd_client_timeout_ms(client)) > 0) {
        ssize_t length = recvfrom(fd, bytes, sizeof bytes, 0,
                                  (struct sockaddr *)&from, &size);
        uint16_t port = ntohs(from.sin_port);
        if (length >= 0 &&
            inet_ntop(AF_INET, &from.sin_addr, ip, sizeof ip) != NULL)
            (void)confd_client_handle_datagram(client, bytes,
                                               (size_t)length, ip, port);
    }
    /* Nothing happens when nothing is due. */
    (void)confd_client_expire(client);
}

int main(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    confd_options *options = NULL;
    confd_client *client = NULL;
    confd_request *request = NULL;
    if (fd < 0 || confd_options_new(&options) != CONFD_OK ||
        confd_options_set_external_io(options, 1) != CONFD_OK ||
        confd_client_open(NULL, NULL, NULL, options,
                          &client) != CONFD_OK ||
        confd_request_new(CONFD_REQ_CLUSTER_MASTER, NULL,
                          &request) != CONFD_OK ||
        confd_client_query_async(client, request, 0, 5000, on_result,
                                 NULL) != CONFD_OK) {
        fprintf(stderr, "%s\n", confd_last_error());
        return 1;
    }
    for (transmit(client, fd); !done; transmit(client, fd))
        wait_once(client, fd);
    confd_request_free(request);
    confd_client_free(client);
    confd_options_free(options);
    close(fd);
    return 0;
}
