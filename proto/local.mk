# SPDX-License-Identifier: MIT
# proto: the wire, shared by daemon and library.

noinst_LTLIBRARIES += libproto.la
libproto_la_SOURCES = \
	proto/channel.c proto/channel.h \
	proto/form.c proto/form.h \
	proto/message.h \
	proto/text.c proto/text.h \
	proto/validate.c proto/validate.h
libproto_la_LIBADD = libutil.la

if HAVE_CHECK
PROTO_TESTS = \
	tests/check_channel \
	tests/check_form \
	tests/check_text \
	tests/check_validate \
	tests/check_validate_replies
check_PROGRAMS += $(PROTO_TESTS)
TESTS += $(PROTO_TESTS)

tests_check_channel_LDADD = libharness.la libproto.la $(CHECK_LIBS)
tests_check_form_LDADD = libharness.la libproto.la $(CHECK_LIBS)
tests_check_text_LDADD = libharness.la libproto.la $(CHECK_LIBS)
tests_check_validate_SOURCES = tests/check_validate.c tests/judged.h
tests_check_validate_LDADD = libharness.la libproto.la $(CHECK_LIBS)
tests_check_validate_replies_SOURCES = tests/check_validate_replies.c tests/judged.h
tests_check_validate_replies_LDADD = libharness.la libproto.la $(CHECK_LIBS)
endif

dist_doc_DATA += proto/PROTOCOL.md
TESTS += tests/protocol_document tests/integration/protocol_client
EXTRA_DIST += tests/protocol_document tests/integration/protocol_client
