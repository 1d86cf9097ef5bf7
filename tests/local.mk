# What `make check` runs is listed by each room; end-to-end and terminal tests are run by ./test.
