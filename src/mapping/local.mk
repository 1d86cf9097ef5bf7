noinst_LIBRARIES += src/mapping/libmapping.a
src_mapping_libmapping_a_SOURCES =
