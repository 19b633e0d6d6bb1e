/* Errors as exceptions and error codes, and what the library says of itself. Part of confdclient.hpp. */
#ifndef CONFDCLIENT_ERROR_HPP
#define CONFDCLIENT_ERROR_HPP

#include <confdclient.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace confd {

/** The library's error codes, the CONFD_ERR_ numbers of confdclient.h, where each is explained. */
enum class errc : confd_error {
    /** No error. */
    ok = CONFD_OK,
    /** An argument is outside what the function takes, or its object has been moved from. */
    invalid_argument = CONFD_ERR_INVALID_ARGUMENT,
    /** A peer is not an IPv4 or IPv6 address of one host. */
    bad_peer = CONFD_ERR_BAD_PEER,
    /** The list of peers is empty. */
    no_peers = CONFD_ERR_NO_PEERS,
    /** The peers are not all of one address family, that of the client. */
    mixed_families = CONFD_ERR_MIXED_FAMILIES,
    /** The coverage asks for more peers than are known. */
    coverage = CONFD_ERR_COVERAGE,
    /** The call does not apply to the request's type, or there is no such type. */
    request_type = CONFD_ERR_REQUEST_TYPE,
    /** The request has an empty salt. */
    missing_salt = CONFD_ERR_MISSING_SALT,
    /** The request's salt has been used. */
    duplicate_salt = CONFD_ERR_DUPLICATE_SALT,
    /** The datagram would pass the client's limit on the size of a request. */
    request_too_big = CONFD_ERR_REQUEST_TOO_BIG,
    /** No outstanding request has this salt. */
    unknown_request = CONFD_ERR_UNKNOWN_REQUEST,
    /** The operating system refused an operation on the socket. */
    io = CONFD_ERR_IO,
    /** There is nothing at this pointer or index. */
    not_found = CONFD_ERR_NOT_FOUND,
    /** The value is there, and is not of the type that was asked for. */
    wrong_type = CONFD_ERR_WRONG_TYPE,
    /** A file of the cluster's data directory is absent, unreadable or malformed. */
    cluster_dir = CONFD_ERR_CLUSTER_DIR,
    /** The call waits for upcalls, and was made inside one. */
    busy = CONFD_ERR_BUSY,
    /** The client is closed, or was inherited through fork(). */
    closed = CONFD_ERR_CLOSED,
    /** A defect of the library. */
    internal = CONFD_ERR_INTERNAL,
    /** Memory could not be had. */
    no_memory = CONFD_ERR_NO_MEMORY
};

namespace detail {

class category_type final : public std::error_category {
  public:
    const char *name() const noexcept override { return "confd"; }
    std::string message(int code) const override { return confd_strerror(code); }
    std::error_condition default_error_condition(int code) const noexcept override
    {
        switch (code) {
        case CONFD_ERR_INVALID_ARGUMENT:
        case CONFD_ERR_BAD_PEER: return std::errc::invalid_argument;
        case CONFD_ERR_REQUEST_TOO_BIG: return std::errc::message_size;
        case CONFD_ERR_IO: return std::errc::io_error;
        case CONFD_ERR_BUSY: return std::errc::device_or_resource_busy;
        case CONFD_ERR_NO_MEMORY: return std::errc::not_enough_memory;
        default: return std::error_condition(code, *this);
        }
    }
};

} // namespace detail

/** The category of the library's codes, named "confd". Its messages are those of confd_strerror(). */
inline const std::error_category &category() noexcept
{
    static const detail::category_type instance;
    return instance;
}

/** Makes std::error_code of the library's codes, which std::error_code's constructor does by itself. */
inline std::error_code make_error_code(errc code) noexcept
{
    return std::error_code(static_cast<int>(code), category());
}

/**
 * What failed. code() is of category() and compares with errc: `if (e.code() == confd::errc::closed)`. Where a
 * function of the program has thrown in the same call, that exception is nested in this one, see confd::client.
 */
class error : public std::system_error {
  public:
    /**
     * @param code    The code.
     * @param detail  What went wrong, for a person; may be empty.
     */
    explicit error(errc code, const std::string &detail = std::string())
        : std::system_error(make_error_code(code), detail), detail_(detail)
    {
    }

    /** What went wrong, for a person: detail(), or the line of the code where there is none. */
    const char *what() const noexcept override
    {
        return *detail_.what() != '\0' ? detail_.what() : confd_strerror(code().value());
    }

    /** The particulars, as confd_last_error() had them: `peer 3, "node7", is not an IPv4 or IPv6 address`. */
    const char *detail() const noexcept { return detail_.what(); }

  private:
    std::runtime_error detail_; // a string whose copies do not throw
};

/** The version of the library that the program runs with, as text: "0.1.0". Static. */
inline std::string_view version() noexcept
{
    return confd_version();
}

/** The same as a number, major << 16 | minor << 8 | patch, to be compared with CONFD_VERSION_NUMBER. */
inline std::uint32_t version_number() noexcept
{
    return confd_version_number();
}

/** One line for a code, static. */
inline std::string_view strerror(errc code) noexcept
{
    return confd_strerror(static_cast<confd_error>(code));
}

namespace detail {

/** Throws what the call before it, on this thread, has failed with. */
inline void check(confd_error code)
{
    if (code != CONFD_OK) {
        throw error(static_cast<errc>(code), confd_last_error());
    }
}

/** What a function returns that gives NULL for a handle that is NULL, as moved-from objects have. */
template <class Pointer> Pointer there(Pointer pointer)
{
    if (pointer == nullptr) {
        throw error(errc::invalid_argument, "the object has been moved from");
    }
    return pointer;
}

} // namespace detail
} // namespace confd

/** confd::errc converts to std::error_code by itself. */
template <> struct std::is_error_code_enum<confd::errc> : std::true_type {};

#endif
