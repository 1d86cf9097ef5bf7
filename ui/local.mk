noinst_LIBRARIES += ui/libui.a
ui_libui_a_SOURCES = ui/ui.c ui/ui.h ui/screen.h ui/actions.c ui/actions_marked.c ui/parts.c \
	ui/canvas.c ui/canvas.h ui/chart.c ui/chart.h ui/child.c ui/child.h ui/command_line.c ui/command_line.h ui/commands.c ui/commands.h \
	ui/config.c ui/config.h ui/keys_file.c ui/keys_file.h ui/text_box.c ui/text_box.h ui/theme_file.c ui/theme_file.h \
	ui/dialog.c ui/dialog.h ui/feed.c ui/feed.h ui/feed_live.c ui/feed_private.h ui/feed_replay.c \
	ui/findings.c ui/findings.h ui/form.c ui/form.h ui/format.c ui/format.h \
	ui/json_delta.c ui/json_delta.h ui/keys.c ui/keys.h ui/marks.c ui/marks.h ui/picker.c ui/picker.h ui/recording.c ui/recording.h \
	ui/spark.c ui/spark.h ui/table.c ui/table.h ui/term.c ui/term.h ui/theme.c ui/theme.h \
	ui/screen_pipes.c ui/screen_pipe.c ui/screen_table.c ui/screen_new.c ui/screen_incident.c ui/screen_journal.c ui/screen_verify.c ui/screen_help.c \
	ui/screen_add.c ui/screen_settings.c ui/setting_list.c ui/setting_list.h

check_PROGRAMS += tests/unit/ui_test
tests_unit_ui_test_SOURCES = tests/unit/ui_test.c
tests_unit_ui_test_LDADD = ui/libui.a src/control/libcontrol.a src/base/libbase.a $(JANSSON_LIBS) $(GLIB_LIBS) $(NCURSES_LIBS) -lm

check_PROGRAMS += tests/unit/recording_test
tests_unit_recording_test_SOURCES = tests/unit/recording_test.c
tests_unit_recording_test_LDADD = ui/libui.a src/control/libcontrol.a src/base/libbase.a $(JANSSON_LIBS) $(GLIB_LIBS)

# Terminal tests are run by ./test.
EXTRA_DIST += tests/tui/conftest.py tests/tui/recording.py tests/tui/screen.py tests/tui/test_commands.py \
	tests/tui/test_keys.py tests/tui/test_marks.py tests/tui/test_settings_page.py tests/tui/test_add.py tests/tui/test_real.py \
	tests/tui/test_recording.py tests/tui/test_screens.py tests/tui/golden tests/tui/views
