// What the thread sanitizer cannot see: GLib, which libvirt's event loop is built on, locks with
// futexes of its own, so that what it orders looks like a race. The sanitizer asks for this by
// name.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
    return "race:libglib-2.0.so.0\n";
}
