// A domain's books as an element of its libvirt metadata, which migrate with it.
#pragma once

#include <string>

#include "model/books.h"

namespace ballast {

inline constexpr const char* kBooksPrefix = "ballast";
inline constexpr const char* kBooksNamespace = "urn:ballast:books:1";

// The element, without a namespace of its own: libvirt puts it into ours.
std::string books_element(const CarriedBooks& books);

}  // namespace ballast
