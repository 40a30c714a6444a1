"""Models as they run: numbered tokens go in, arrays come out, by torch or by OpenVINO. Knows no spans."""
