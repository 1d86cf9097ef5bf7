# The simulator (./test sim): no part of `make check`. Cases and mutants are files of their own.
EXTRA_PROGRAMS += tests/sim/sim tests/sim/models
tests_sim_sim_SOURCES = tests/sim/main.c tests/sim/life.c tests/sim/life.h tests/sim/engine.c tests/sim/engine.h tests/sim/apply.c \
	tests/sim/resync.c tests/sim/judge.c tests/sim/stream.c tests/sim/stream.h tests/sim/statements.c tests/sim/failover.c \
	tests/sim/load.c tests/sim/source.c tests/sim/source.h tests/sim/destination.c tests/sim/destination.h tests/sim/random.h
tests_sim_sim_LDADD = $(pipe_test_libs)
# What the models say, for test_models.py to carry out on real servers.
tests_sim_models_SOURCES = tests/sim/models.c tests/sim/source.c tests/sim/source.h tests/sim/destination.c tests/sim/destination.h \
	tests/sim/random.h
tests_sim_models_LDADD = $(pipe_test_libs)
MOSTLYCLEANFILES += tests/sim/sim tests/sim/models
EXTRA_DIST += tests/sim/test_models.py tests/sim/cases tests/sim/mutants
