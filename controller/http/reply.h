// Builds responses.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "controller/http/json.h"
#include "controller/http/message.h"

namespace ballast {

Response json_reply(const Json& json, int status = 200);
// One line of plain text.
Response text_reply(int status, std::string_view line);
// The status that `error.code` stands for, with the error as JSON.
Response error_reply(const Error& error);
// An error of the protocol itself, which no Errc names.
Response error_reply(int status, std::string_view code, std::string_view message);

}  // namespace ballast
