#include "ctl/text.h"

#include <locale.h>
#include <wchar.h>

#include <algorithm>
#include <cwchar>

#include "base/escape.h"

namespace ballast::ctl {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr std::string_view kEllipsis = "\xe2\x80\xa6";

// The C library's own tables, whatever the user's locale is. Kept until the program ends: to load
// them takes longer than to look at a whole table.
locale_t utf8_locale() {
    static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", locale_t{});
    return locale;
}

// The calling thread's locale is UTF-8 while this exists.
class InUtf8 {
  public:
    InUtf8() : before_(::uselocale(utf8_locale())) {}
    InUtf8(const InUtf8&) = delete;
    InUtf8& operator=(const InUtf8&) = delete;
    ~InUtf8() { ::uselocale(before_); }

  private:
    locale_t before_;
};

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char byte) { return byte >= ' ' && byte <= '~'; });
}

// Calls `use(bytes, width)` for each character; width -1 for what cannot be shown. Stops when it
// returns false.
template <class Use>
void for_each_character(std::string_view text, Use use) {
    const InUtf8 locale;
    std::mbstate_t state{};
    while (!text.empty()) {
        wchar_t wide = 0;
        std::size_t size = std::mbrtowc(&wide, text.data(), text.size(), &state);
        int width = -1;
        if (size == 0 || size > text.size()) {  // a NUL, or not UTF-8
            size = 1;
            state = {};
        } else {
            width = is_obeyed(static_cast<char32_t>(wide)) ? -1 : ::wcwidth(wide);
        }
        if (!use(text.substr(0, size), width)) return;
        text.remove_prefix(size);
    }
}

}  // namespace

std::string printable(std::string_view text, bool keep_lines) {
    if (is_plain(text)) return std::string(text);
    std::string out;
    for_each_character(text, [&](std::string_view bytes, int width) {
        const bool shown = width >= 0 || (keep_lines && bytes == "\n");
        out += shown ? bytes : kReplacement;
        return true;
    });
    return out;
}

std::size_t display_width(std::string_view text) {
    if (is_plain(text)) return text.size();
    std::size_t columns = 0;
    for_each_character(text, [&](std::string_view, int width) {
        columns += width > 0 ? static_cast<std::size_t>(width) : 0;
        return true;
    });
    return columns;
}

std::string shorten(std::string_view text, std::size_t width) {
    if (display_width(text) <= width) return std::string(text);
    if (width == 0) return "";
    std::string out;
    std::size_t columns = 0;
    for_each_character(text, [&](std::string_view bytes, int character) {
        columns += character > 0 ? static_cast<std::size_t>(character) : 0;
        if (columns > width - 1) return false;
        out += bytes;
        return true;
    });
    return out.append(kEllipsis);
}

}  // namespace ballast::ctl
