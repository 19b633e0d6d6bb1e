/* Values of replies, each with the detail of what went wrong. SPDX-License-Identifier: BSD-2-Clause */
#define _POSIX_C_SOURCE 200809L

#include "hs_confd.h"

#include <string.h>

static confd_error tell(confd_error error, char **detail)
{
    if (error != CONFD_OK)
        *detail = strdup(confd_last_error());
    return error;
}

confd_error hs_confd_reply_string(const confd_reply *reply, const char *pointer, const char **out, char **detail)
{
    return tell(confd_reply_string(reply, pointer, out), detail);
}

confd_error hs_confd_reply_int(const confd_reply *reply, const char *pointer, int64_t *out, char **detail)
{
    return tell(confd_reply_int(reply, pointer, out), detail);
}

confd_error hs_confd_reply_bool(const confd_reply *reply, const char *pointer, bool *out, char **detail)
{
    return tell(confd_reply_bool(reply, pointer, out), detail);
}

confd_error hs_confd_reply_double(const confd_reply *reply, const char *pointer, double *out, char **detail)
{
    return tell(confd_reply_double(reply, pointer, out), detail);
}

confd_error hs_confd_reply_count(const confd_reply *reply, const char *pointer, size_t *out, char **detail)
{
    return tell(confd_reply_count(reply, pointer, out), detail);
}

confd_error hs_confd_reply_kind(const confd_reply *reply, const char *pointer, int32_t *out, char **detail)
{
    return tell(confd_reply_kind(reply, pointer, out), detail);
}

confd_error hs_confd_reply_json(const confd_reply *reply, const char *pointer, const char **out, char **detail)
{
    return tell(confd_reply_json(reply, pointer, out), detail);
}

confd_error hs_confd_reply_key(const confd_reply *reply, const char *pointer, size_t i, const char **out,
                               char **detail)
{
    return tell(confd_reply_key(reply, pointer, i, out), detail);
}

confd_error hs_confd_reply_node_ip(const confd_reply *reply, size_t i, int32_t *status, const char **ip,
                                   char **detail)
{
    return tell(confd_reply_node_ip(reply, i, status, ip), detail);
}

confd_error hs_confd_reply_drbd_minor(const confd_reply *reply, size_t i, confd_drbd_minor *out, char **detail)
{
    return tell(confd_reply_drbd_minor(reply, i, out), detail);
}
