// The early recorder.
