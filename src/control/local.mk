noinst_LIBRARIES += src/control/libcontrol.a
src_control_libcontrol_a_SOURCES = src/control/client.c src/control/client.h src/control/control.h src/control/detail.c src/control/detail.h src/control/metrics.c src/control/metrics.h \
	src/control/protocol.c src/control/protocol.h src/control/view.c src/control/view.h src/control/view_json.c

check_PROGRAMS += tests/unit/control_protocol_test tests/unit/control_view_test
tests_unit_control_protocol_test_SOURCES = tests/unit/control_protocol_test.c
tests_unit_control_protocol_test_LDADD = src/control/libcontrol.a src/base/libbase.a $(JANSSON_LIBS) $(GLIB_LIBS)
tests_unit_control_view_test_SOURCES = tests/unit/control_view_test.c
tests_unit_control_view_test_LDADD = src/control/libcontrol.a src/base/libbase.a $(JANSSON_LIBS) $(GLIB_LIBS)
