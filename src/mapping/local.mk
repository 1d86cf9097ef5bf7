noinst_LIBRARIES += src/mapping/libmapping.a
src_mapping_libmapping_a_CFLAGS = $(AM_CFLAGS) $(CONVERSION)
src_mapping_libmapping_a_SOURCES = src/mapping/mapping.c src/mapping/mapping.h src/mapping/types.c src/mapping/writers.h \
	src/mapping/writers_decimal.c src/mapping/writers_integer.c src/mapping/writers_member.c \
	src/mapping/writers_temporal.c src/mapping/writers_text.c
