/* Questions. Part of confdclient.hpp. */
#ifndef CONFDCLIENT_REQUEST_HPP
#define CONFDCLIENT_REQUEST_HPP

#include "arguments.hpp"
#include "error.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace confd {

/** What is asked: the CONFD_REQ_ numbers of confdclient.h, which say what each query and answer is. */
enum class request_type : std::int32_t {
    /** Is the daemon there? */
    ping = CONFD_REQ_PING,
    /** The role of a node, by its name. */
    node_role_by_name = CONFD_REQ_NODE_ROLE_BYNAME,
    /** The node that runs the instance with an IP address: request::set_ip() or set_ips(). */
    node_pip_by_instance_ip = CONFD_REQ_NODE_PIP_BY_INSTANCE_IP,
    /** The master's name; or what request::set_fields() names. */
    cluster_master = CONFD_REQ_CLUSTER_MASTER,
    /** The primary IP addresses of all nodes. */
    node_pip_list = CONFD_REQ_NODE_PIP_LIST,
    /** The primary IP addresses of the master candidates. */
    mc_pip_list = CONFD_REQ_MC_PIP_LIST,
    /** The IP addresses of the instances, of all or of those on a link. */
    instances_ips_list = CONFD_REQ_INSTANCES_IPS_LIST,
    /** The DRBD minors of a node, by its name: reply::drbd_minor(). */
    node_drbd = CONFD_REQ_NODE_DRBD,
    /** The instances of a node, by its name. */
    node_instances = CONFD_REQ_NODE_INSTANCES,
    /** The disks of an instance, by its name or UUID. */
    instance_disks = CONFD_REQ_INSTANCE_DISKS,
    /** Any part of the configuration, by a JSON pointer. */
    config_query = CONFD_REQ_CONFIG_QUERY,
    /** The data collectors of the monitoring daemon. */
    data_collectors = CONFD_REQ_DATA_COLLECTORS
};

/** What request::set_fields() asks for. */
enum class master_field : std::int32_t {
    /** The master's name. */
    name = CONFD_REQFIELD_NAME,
    /** The cluster's IP address. */
    ip = CONFD_REQFIELD_IP,
    /** The primary IP address of the master node. */
    master_node_pip = CONFD_REQFIELD_MNODE_PIP
};

/** A look at a request that somebody else owns, valid as long as that one is neither changed nor destroyed. */
class request_view {
  public:
    /** @param native  The request; not NULL. */
    explicit request_view(const confd_request *native) noexcept : native_(native) {}

    /** What is asked. */
    request_type type() const { return static_cast<request_type>(confd_request_type(detail::there(native_))); }
    /** Its salt, which lives as long as the request is not changed. */
    std::string_view salt() const { return detail::there(confd_request_salt(native_)); }
    /** Its query as JSON text in ASCII, "null" where there is none; lives as long as the request is not changed. */
    std::string_view query_json() const { return detail::there(confd_request_query_json(native_)); }
    /** The request of the C API; the library's or its request's. */
    const confd_request *native() const noexcept { return native_; }

  private:
    const confd_request *native_;
};

/**
 * A question, with its salt, which the replies carry. Sending copies it: it may be changed or destroyed at once. Used
 * by one thread at a time. A salt serves once for client::send(); queries give a request whose salt has been used
 * a fresh one.
 */
class request {
  public:
    /**
     * @param type   What is asked.
     * @param query  The query where it is a text: a node's name, an instance's, a link, a JSON pointer.
     * @throws error  errc::request_type if there is no such type; errc::invalid_argument if query is not UTF-8 or
     *   holds U+0000; errc::io if the system has no random bytes for the salt.
     */
    explicit request(request_type type, std::optional<std::string_view> query = std::nullopt)
    {
        confd_request *made = nullptr;
        const detail::optional_text text(query);
        detail::check(confd_request_new(static_cast<std::int32_t>(type), text.get(), &made));
        native_.reset(made);
    }

    /**
     * Asks for the node that runs the instance with this IP address.
     *
     * @param ip    The instance's address, as the configuration has it.
     * @param link  The link that it belongs to; none for the cluster's default link.
     * @throws error  errc::request_type unless the type is node_pip_by_instance_ip; errc::invalid_argument.
     */
    request &set_ip(std::string_view ip, std::optional<std::string_view> link = std::nullopt)
    {
        const std::string text = detail::c_text(ip);
        const detail::optional_text name(link);
        detail::check(confd_request_set_ip(native_.get(), text.c_str(), name.get()));
        return *this;
    }

    /**
     * Asks for the nodes that run the instances with these IP addresses, answered together and in order:
     * reply::node_ip().
     *
     * @param ips   The addresses.
     * @param link  The link that they belong to; none for the cluster's default link.
     * @throws error  As for set_ip().
     */
    request &set_ips(const string_list &ips, std::optional<std::string_view> link = std::nullopt)
    {
        const std::vector<const char *> texts = ips.pointers();
        const detail::optional_text name(link);
        detail::check(confd_request_set_ips(native_.get(), texts.data(), texts.size(), name.get()));
        return *this;
    }

    /**
     * Asks for fields of the cluster's master, answered as a list of strings in this order.
     *
     * @param fields  Which.
     * @throws error  errc::request_type unless the type is cluster_master; errc::invalid_argument if there is no
     *   such field.
     */
    request &set_fields(const std::vector<master_field> &fields)
    {
        std::vector<std::int32_t> numbers;
        for (const master_field field : fields) {
            numbers.push_back(static_cast<std::int32_t>(field));
        }
        detail::check(confd_request_set_fields(native_.get(), numbers.data(), numbers.size()));
        return *this;
    }

    /**
     * Gives the request any query.
     *
     * @param json  JSON text: null, a string or an object.
     * @throws error  errc::invalid_argument if it is none of these.
     */
    request &set_query_json(std::string_view json)
    {
        detail::check(confd_request_set_query_json(native_.get(), detail::c_text(json).c_str()));
        return *this;
    }

    /**
     * Gives the request another salt, to ask again.
     *
     * @param salt  Any text that nobody can guess; none for a fresh UUIDv4.
     * @throws error  errc::invalid_argument if it is not UTF-8 or holds U+0000; errc::io if the system has no
     *   random bytes.
     */
    request &set_salt(std::optional<std::string_view> salt = std::nullopt)
    {
        const detail::optional_text text(salt);
        detail::check(confd_request_set_salt(native_.get(), text.get()));
        return *this;
    }

    /** What is asked. */
    request_type type() const { return view().type(); }
    /** The salt, which lives as long as the request is not changed. */
    std::string_view salt() const { return view().salt(); }
    /** The query as JSON text in ASCII, "null" where there is none; lives as long as the request is not changed. */
    std::string_view query_json() const { return view().query_json(); }
    /** The same request, to look at. */
    request_view view() const noexcept { return request_view(native_.get()); }

    /** The request of the C API, which stays this object's: never free it. NULL once moved from. */
    confd_request *native() noexcept { return native_.get(); }
    /** The same, to look at. */
    const confd_request *native() const noexcept { return native_.get(); }

  private:
    struct deleter {
        void operator()(confd_request *native) const noexcept { confd_request_free(native); }
    };
    std::unique_ptr<confd_request, deleter> native_;
};

} // namespace confd

#endif
