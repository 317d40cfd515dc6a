// Debian's abseil is not instrumented: ThreadSanitizer does not see that the last owner of a status is the
// last, and takes freeing it on another thread than the one that made it for a race.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "race:absl::debian3::Status::Unref\n"; }
