/* Verified replies and what is in them. Part of confdclient.hpp. */
#ifndef CONFDCLIENT_REPLY_HPP
#define CONFDCLIENT_REPLY_HPP

#include "arguments.hpp"
#include "error.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace confd {

/** Whether a server answered the question. A later server may say another number. */
enum class reply_status : std::int32_t {
    /** It did. */
    ok = CONFD_STATUS_OK,
    /** It could not; reply::error_text() says why. */
    error = CONFD_STATUS_ERROR,
    /** It does not know the question. */
    not_implemented = CONFD_STATUS_NOT_IMPLEMENTED
};

/** What kind of JSON value it is. */
enum class json_kind : std::int32_t {
    /** Nothing. */
    null = CONFD_JSON_NULL,
    /** True or false. */
    boolean = CONFD_JSON_BOOL,
    /** A number. */
    number = CONFD_JSON_NUMBER,
    /** A text. */
    string = CONFD_JSON_STRING,
    /** A list. */
    array = CONFD_JSON_ARRAY,
    /** Names with values. */
    object = CONFD_JSON_OBJECT
};

/** The role of a node, the answer to request_type::node_role_by_name. */
enum class node_role : std::int64_t {
    /** The master. */
    master = CONFD_NODE_ROLE_MASTER,
    /** A master candidate. */
    candidate = CONFD_NODE_ROLE_CANDIDATE,
    /** Offline. */
    offline = CONFD_NODE_ROLE_OFFLINE,
    /** Drained. */
    drained = CONFD_NODE_ROLE_DRAINED,
    /** Regular. */
    regular = CONFD_NODE_ROLE_REGULAR
};

/** The role in a word, "master", "candidate", "offline", "drained" or "regular", static; none for other numbers. */
inline std::optional<std::string_view> node_role_name(node_role role) noexcept
{
    const char *name = confd_node_role_name(static_cast<std::int64_t>(role));
    return name != nullptr ? std::optional<std::string_view>(name) : std::nullopt;
}

/** One element of the answer to request::set_ips(). */
struct node_ip {
    /** Whether this address has an answer. */
    reply_status status;
    /** The primary IP address of the node that runs the instance; none unless status is ok. */
    std::optional<std::string> ip;
};

/** One element of the answer to request_type::node_drbd. */
struct drbd_minor {
    /** The node's name. */
    std::string node;
    /** The number of the minor. */
    std::int64_t minor;
    /** The instance's name. */
    std::string instance;
    /** The disk, such as "disk/0". */
    std::string disk;
    /** "primary" or "secondary". */
    std::string role;
    /** The name of the node at the other end. */
    std::string peer;
};

/**
 * A verified reply: a value, whose copies share what it has and cost little. Any number of threads may read one at
 * once, and it may outlive its client.
 *
 * Values are found by RFC 6901 JSON pointers into the answer, "" being the whole: "/0/name" is the member name of
 * the first element. Where not said otherwise, functions that take a pointer throw errc::not_found if nothing is
 * there, errc::wrong_type if it is of another type, errc::invalid_argument if the pointer is malformed.
 */
class reply {
  public:
    /**
     * Keeps a reply of the C API by a clone of its own.
     *
     * @param native  The reply; it stays its owner's.
     * @throws error  errc::invalid_argument if it is NULL.
     */
    explicit reply(const confd_reply *native)
    {
        confd_reply *clone = nullptr;
        detail::check(confd_reply_clone(native, &clone));
        native_.reset(clone, confd_reply_free);
    }

    /** Whether the server answered the question. */
    reply_status status() const { return static_cast<reply_status>(confd_reply_status(get())); }
    /** The version of the protocol that the server speaks, 1. */
    std::int32_t protocol() const { return confd_reply_protocol(get()); }
    /** The configuration's serial: of two ok replies that with the higher one is the fresher. 0 for errors. */
    std::int64_t serial() const { return confd_reply_serial(get()); }
    /** The whole answer as JSON text, as the server sent it. */
    std::string answer_json() const { return confd_reply_answer_json(get()); }
    /** What went wrong, for a person; none if the status is ok. */
    std::optional<std::string> error_text() const
    {
        const char *text = confd_reply_error_text(get());
        return text != nullptr ? std::optional<std::string>(text) : std::nullopt;
    }

    /**
     * A value of the answer.
     *
     * @tparam T  std::string, std::int64_t, bool, double (a number of any kind), or std::vector of one of them (a
     *   list; errc::wrong_type if an element is of another type).
     * @param pointer  Where it is.
     * @throws error  See above. A string that holds U+0000, and a number that does not fit, are errc::wrong_type:
     *   json() gives them.
     */
    template <class T> T get(std::string_view pointer = "") const
    {
        T value{};
        read(detail::c_text(pointer), value);
        return value;
    }

    /** The same, and none where nothing is there. */
    template <class T> std::optional<T> find(std::string_view pointer) const
    {
        const std::string where = detail::c_text(pointer);
        std::int32_t kind = 0;
        const confd_error code = confd_reply_kind(get(), where.c_str(), &kind);
        if (code == CONFD_ERR_NOT_FOUND) {
            return std::nullopt;
        }
        detail::check(code);
        T value{};
        read(where, value);
        return value;
    }

    /** How many elements the list has, or members the object. @param pointer  Where it is. */
    std::size_t count(std::string_view pointer = "") const { return count_at(detail::c_text(pointer)); }

    /**
     * The name of an object's member, in the order in which the server sent them.
     *
     * @param pointer  Where the object is.
     * @param i        Which member, from 0; past the end is errc::not_found.
     */
    std::string key(std::string_view pointer, std::size_t i) const
    {
        const char *name = nullptr;
        detail::check(confd_reply_key(get(), detail::c_text(pointer).c_str(), i, &name));
        return name;
    }

    /** Any value as JSON text, as the server sent it. @param pointer  Where it is. */
    std::string json(std::string_view pointer) const
    {
        const char *text = nullptr;
        detail::check(confd_reply_json(get(), detail::c_text(pointer).c_str(), &text));
        return text;
    }

    /** What kind of value it is. @param pointer  Where it is. */
    json_kind kind(std::string_view pointer = "") const
    {
        std::int32_t kind = 0;
        detail::check(confd_reply_kind(get(), detail::c_text(pointer).c_str(), &kind));
        return static_cast<json_kind>(kind);
    }

    /**
     * One element of the answer to request::set_ips(), of which there are count().
     *
     * @param i  Which address, from 0.
     * @throws error  errc::not_found past the end; errc::wrong_type if the answer is no such list.
     */
    confd::node_ip node_ip(std::size_t i) const
    {
        std::int32_t status = 0;
        const char *ip = nullptr;
        detail::check(confd_reply_node_ip(get(), i, &status, &ip));
        return {static_cast<reply_status>(status), ip != nullptr ? std::optional<std::string>(ip) : std::nullopt};
    }

    /**
     * One element of the answer to request_type::node_drbd, of which there are count().
     *
     * @param i  Which minor, from 0.
     * @throws error  errc::not_found past the end; errc::wrong_type if the answer is no such list.
     */
    confd::drbd_minor drbd_minor(std::size_t i) const
    {
        confd_drbd_minor m = {};
        detail::check(confd_reply_drbd_minor(get(), i, &m));
        return {m.node, m.minor, m.instance, m.disk, m.role, m.peer};
    }

    /** The reply of the C API, which lives as long as this one and its copies. NULL once moved from. */
    const confd_reply *native() const noexcept { return native_.get(); }

  private:
    const confd_reply *get() const { return detail::there(static_cast<const confd_reply *>(native_.get())); }

    std::size_t count_at(const std::string &where) const
    {
        std::size_t count = 0;
        detail::check(confd_reply_count(get(), where.c_str(), &count));
        return count;
    }

    void read(const std::string &where, std::string &value) const
    {
        const char *text = nullptr;
        detail::check(confd_reply_string(get(), where.c_str(), &text));
        value = text;
    }
    void read(const std::string &where, std::int64_t &value) const
    {
        detail::check(confd_reply_int(get(), where.c_str(), &value));
    }
    void read(const std::string &where, bool &value) const
    {
        detail::check(confd_reply_bool(get(), where.c_str(), &value));
    }
    void read(const std::string &where, double &value) const
    {
        detail::check(confd_reply_double(get(), where.c_str(), &value));
    }
    template <class T> void read(const std::string &where, std::vector<T> &values) const
    {
        std::int32_t kind = 0;
        detail::check(confd_reply_kind(get(), where.c_str(), &kind));
        if (kind != CONFD_JSON_ARRAY) {
            throw error(errc::wrong_type, "\"" + where + "\" is no list");
        }
        const std::size_t count = count_at(where);
        for (std::size_t i = 0; i < count; i++) {
            T value{};
            read(where + "/" + std::to_string(i), value);
            values.push_back(value);
        }
    }

    std::shared_ptr<confd_reply> native_;
};

} // namespace confd

#endif
