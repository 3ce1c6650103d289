// A memory barrier on all threads of this process, paid by the one who asks for it.
#pragma once

namespace ballast {

// Whether this kernel does it (Linux 4.14, and 5.10 to restart sequences as well) for this
// process. Registers the process at the first call. Any thread.
bool has_membarrier() noexcept;
bool has_membarrier_rseq() noexcept;

// When it returns, every thread has passed a full barrier after the call began. Blocks some
// microseconds. Aborts where has_membarrier() is false.
void membarrier_all_threads() noexcept;
// The same, and restartable sequences that were under way have been restarted.
void membarrier_restart_sequences() noexcept;

}  // namespace ballast
