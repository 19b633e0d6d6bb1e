/* What the tests of the C++ header need around it: checks, clients without a socket, and the simulator. */
#ifndef CPP_WORLD_HPP
#define CPP_WORLD_HPP

#include <confdclient.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// Of the C tests, which are compiled as C: their signer and their simulator.
extern "C" {
#include "world.h"
}

[[noreturn]] void fail(const char *file, int line, const std::string &what);

/** Ends the program where something does not hold. */
#undef CHECK
#define CHECK(condition) ((condition) ? void() : fail(__FILE__, __LINE__, #condition " does not hold"))

/** The call throws confd::error with this code, and is what() says. */
#define THROWS(code, ...) throws(__FILE__, __LINE__, confd::errc::code, [&] { __VA_ARGS__; })
std::string throws(const char *file, int line, confd::errc code, const std::function<void()> &run);

/** What a callback throws in these tests: no std::exception, since programs may throw anything. */
struct thrown {
    int number;
};

/** The number that a call throws by `thrown`; -1 if it throws nothing. Anything else goes on. */
template <class Call> int caught(const Call &run)
{
    try {
        run();
    } catch (const thrown &it) {
        return it.number;
    }
    return -1;
}

/** The peer of clients that do their own input and output. */
inline constexpr const char *peer_ip = "192.0.2.7";
inline constexpr std::uint16_t peer_port = 1000;

/** A client of that peer. */
confd::client external(confd::upcall_function callback = nullptr, confd::options options = confd::options());
/** Sends a ping; gives its salt. */
std::string ping(confd::client &client);
std::string ping(confd::client &client, confd::upcall_function callback);
/** Hands the client an ok answer of that peer. */
void answer(confd::client &client, std::string_view salt, std::string_view json = "1", std::int64_t serial = 7);
/** Waits until a deadline is due. */
void until_due(confd::client &client);

/** The simulator, with as many candidates; at its end it has exited well. */
class simulator {
  public:
    explicit simulator(std::size_t candidates, std::initializer_list<const char *> arguments = {});
    simulator(const simulator &) = delete;
    simulator &operator=(const simulator &) = delete;
    ~simulator();

    std::vector<std::string_view> peers() const;
    confd::client client(confd::upcall_function callback = nullptr,
                         const confd::options &options = confd::options()) const;

  private:
    struct sim sim_;
};

/** A folder of its own, removed at its end. */
class folder {
  public:
    folder();
    folder(const folder &) = delete;
    folder &operator=(const folder &) = delete;
    ~folder();

    const std::string &path() const { return path_; }
    void write(const char *name, std::string_view text) const;

  private:
    std::string path_;
};

/** Runs something in a child process, which has to return true. */
void in_a_child(const std::function<bool()> &run);

void arguments();
void answers();
void calls();
void external_io();
void exceptions();
void endings();
void futures();

#endif
