/* Types of arguments, which take what a program has: durations, lists of texts, bytes. Part of confdclient.hpp. */
#ifndef CONFDCLIENT_ARGUMENTS_HPP
#define CONFDCLIENT_ARGUMENTS_HPP

#include "error.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace confd {

/**
 * A duration as the library takes it, made from any std::chrono duration: whole milliseconds, rounded up, so that
 * a microsecond still waits. What is longer than 2^31 - 1 ms (24 days) is that, and so is what is no number;
 * negative durations have no limit.
 */
class time_limit {
  public:
    /** @param duration  Of any unit and representation. */
    template <class Rep, class Period>
    constexpr time_limit(std::chrono::duration<Rep, Period> duration) noexcept
        : ms_(milliseconds(std::chrono::duration<long double, Period>(duration).count() *
                           static_cast<long double>(Period::num) * 1000 / static_cast<long double>(Period::den)))
    {
    }

    /** Milliseconds; -1 for no limit. */
    constexpr std::int32_t ms() const noexcept { return ms_; }

  private:
    static constexpr std::int32_t milliseconds(long double exact) noexcept
    {
        constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max();
        if (exact < 0) {
            return -1;
        }
        if (!(exact < static_cast<long double>(most))) {
            return most;
        }
        const auto whole = static_cast<std::int32_t>(exact);
        return static_cast<long double>(whole) < exact ? whole + 1 : whole;
    }

    std::int32_t ms_;
};

/** No limit of time. */
inline constexpr time_limit no_limit{std::chrono::milliseconds(-1)};

/** How many peers a request goes to, chosen at random: one of these, or `confd::coverage{4}` for that many. */
enum class coverage : std::int32_t {
    /** The smaller of 6 and the number of peers. */
    automatic = 0,
    /** Every peer. */
    all = -1
};

namespace detail {

/** A text as C takes it. */
inline std::string c_text(std::string_view text)
{
    const std::size_t nul = text.find('\0');
    if (nul != std::string_view::npos) {
        throw error(errc::invalid_argument, "the text holds U+0000 at byte " + std::to_string(nul));
    }
    return std::string(text);
}

/** The same where NULL means that there is none. */
class optional_text {
  public:
    explicit optional_text(std::optional<std::string_view> text)
        : text_(text ? std::optional<std::string>(c_text(*text)) : std::nullopt)
    {
    }
    const char *get() const noexcept { return text_ ? text_->c_str() : nullptr; }

  private:
    std::optional<std::string> text_;
};

template <class Iterator>
using is_text_iterator =
    std::is_convertible<typename std::iterator_traits<Iterator>::reference, std::string_view>;

template <class Range> using iterator_of = decltype(std::begin(std::declval<const Range &>()));

} // namespace detail

/**
 * A list of texts as an argument, such as peers: `{"192.0.2.1", "192.0.2.2"}`, any range of what converts to
 * std::string_view (vectors of strings, of views or of C strings, arrays, sets), or two iterators
 * (`{argv + 1, argv + argc}`). It copies what it is made from. A text that holds U+0000, or a C string that is
 * NULL, is errc::invalid_argument, and what() names its place.
 */
class string_list {
  public:
    /** The empty list. */
    string_list() = default;

    /** @param texts  The texts. */
    string_list(std::initializer_list<std::string_view> texts) : string_list(texts.begin(), texts.end()) {}

    /** @param range  A range of what converts to std::string_view. */
    template <class Range, class = std::enable_if_t<detail::is_text_iterator<detail::iterator_of<Range>>::value>>
    string_list(const Range &range) : string_list(std::begin(range), std::end(range))
    {
    }

    /**
     * @param first  The first text.
     * @param last   Past the last one.
     */
    template <class Iterator, class Sentinel, class = std::enable_if_t<detail::is_text_iterator<Iterator>::value>>
    string_list(Iterator first, Sentinel last)
    {
        for (; first != last; ++first) {
            add(*first);
        }
    }

    /** How many texts. */
    std::size_t size() const noexcept { return texts_.size(); }

    /** The texts as C takes them, which live as long as the list is not changed. */
    std::vector<const char *> pointers() const
    {
        std::vector<const char *> pointers;
        pointers.reserve(texts_.size());
        for (const std::string &text : texts_) {
            pointers.push_back(text.c_str());
        }
        return pointers;
    }

  private:
    template <class Text> void add(const Text &text)
    {
        if constexpr (std::is_pointer_v<Text>) {
            if (text == nullptr) {
                throw error(errc::invalid_argument, "text " + std::to_string(size() + 1) + " is NULL");
            }
        }
        const std::string_view view(text);
        if (view.find('\0') != std::string_view::npos) {
            throw error(errc::invalid_argument, "text " + std::to_string(size() + 1) + " holds U+0000");
        }
        texts_.emplace_back(view);
    }

    std::vector<std::string> texts_;
};

/**
 * Bytes as an argument, such as a key, which may hold NUL: a string or a view, anything with data() and size() whose
 * elements are bytes (std::vector<unsigned char>, std::array<std::byte, N>, std::span), or a pointer and a number.
 * It only refers to them: they must live as long as the call.
 */
class bytes {
  public:
    /**
     * @param data  The bytes; may be NULL if size is 0.
     * @param size  How many.
     */
    constexpr bytes(const void *data, std::size_t size) noexcept : data_(data), size_(size) {}

    /** @param text  A C string, without the NUL at its end. Not NULL. */
    bytes(const char *text) : bytes(std::string_view(text)) {}

    /** @param container  The bytes. */
    template <class Container,
              class = std::enable_if_t<sizeof(*std::declval<const Container &>().data()) == 1>,
              class = decltype(std::declval<const Container &>().size())>
    constexpr bytes(const Container &container) noexcept : data_(container.data()), size_(container.size())
    {
    }

    /** The bytes. */
    constexpr const void *data() const noexcept { return data_; }
    /** How many. */
    constexpr std::size_t size() const noexcept { return size_; }

  private:
    const void *data_;
    std::size_t size_;
};

} // namespace confd

#endif
