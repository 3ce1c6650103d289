#include "report/page.h"

#include "report/digits.h"
#include "report/page_files.h"
#include "report/page_json.h"

namespace ballast::report {
namespace {

void replace(std::string& text, std::string_view place, std::string_view by) {
    text.replace(text.find(place), place.size(), by);
}

}  // namespace

std::string page_html(const Page& page) {
    std::string html{kPageHtml};
    replace(html, "/*style*/", kPageStyle);
    replace(html, "/*script*/", kPageScript);
    replace(html, "/*data*/", safe_in_script(page_json(page)));
    return html;
}

}  // namespace ballast::report
