// Hands the newest Snapshot to any number of readers without ever making the loop wait.
#pragma once

#include "base/exchange.h"
#include "model/snapshot.h"

namespace ballast {

using SnapshotExchange = Exchange<Snapshot>;

}  // namespace ballast
