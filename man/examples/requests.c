#include <confdclient.h>
#include <stdio.h>

static int fail(void)
{
    fprintf(stderr, "%s\n", confd_last_error());
    return 1;
}

static void show(const confd_request *request)
{
    printf("type %d, query %s\n", (int)confd_request_type(request),
           confd_request_query_json(request));
}

int main(void)
{
    const char *const ips[] = {"198.51.100.1", "198.51.100.4"};
    const int32_t fields[] = {CONFD_REQFIELD_NAME,
                              CONFD_REQFIELD_MNODE_PIP};
    confd_request *role = NULL, *where = NULL, *master = NULL;

    if (confd_request_new(CONFD_REQ_NODE_ROLE_BYNAME, "node2.example.com",
                          &role) != CONFD_OK)
        return fail();
    show(role);

    if (confd_request_new(CONFD_REQ_NODE_PIP_BY_INSTANCE_IP, NULL,
                          &where) != CONFD_OK ||
        confd_request_set_ips(where, ips, 2, NULL) != CONFD_OK)
        return fail();
    show(where);

    if (confd_request_new(CONFD_REQ_CLUSTER_MASTER, NULL,
                          &master) != CONFD_OK ||
        confd_request_set_fields(master, fields, 2) != CONFD_OK)
        return fail();
    show(master);

    confd_request_free(master);
    confd_request_free(where);
    confd_request_free(role);
    return 0;
}
