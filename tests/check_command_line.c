/* SPDX-License-Identifier: MIT */
#include "daemon/command_line.h"

#include <errno.h>
#include <string.h>

#include "tests/harness.h"

static struct command_line line;
static struct error why;

/* Parses the words after the program's name. */
static int parse(const char *const *words)
{
	const char *argv[16] = {"contigd"};
	int argc = 1;

	while (*words)
		argv[argc++] = *words++;
	why.text[0] = '\0';
	return command_line_parse(&line, argc, (char **)argv, &why);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

START_TEST(everything_is_taken)
{
	ck_assert_int_eq(PARSE("--socket", "/s", "--config=/c", "--tree", "/t",
			       "--default-region", "d", "--log-level=debug",
			       "--allow-corrupting-kernel", "--simulate", "1M",
			       "--make-nothing-ahead",
			       "--user=root",
			       "--pool=p=2M", "--simulate=x=3M"),
			 0);
	ck_assert_str_eq(line.socket, "/s");
	ck_assert_str_eq(line.config, "/c");
	ck_assert_str_eq(line.tree, "/t");
	ck_assert_ptr_null(line.dtb);
	ck_assert_str_eq(line.default_region, "d");
	ck_assert_str_eq(line.user, "root");
	ck_assert(line.has_log_level);
	ck_assert_int_eq(line.log_level, LOG_LEVEL_DEBUG);
	ck_assert(line.allow_corrupting_kernel);
	ck_assert(line.nothing_ahead);
	ck_assert_uint_eq(line.n_regions, 3);
	ck_assert(!line.regions[0].is_pool);
	ck_assert(line.regions[1].is_pool);
	ck_assert_str_eq(line.regions[1].text, "p=2M");
	ck_assert_str_eq(line.regions[2].text, "x=3M");
	ck_assert(!line.help && !line.version);
	command_line_deinit(&line);

	ck_assert_int_eq(parse((const char *const[]){NULL}), 0);
	ck_assert_ptr_null(line.socket);
	ck_assert(!line.nothing_ahead);
	ck_assert_uint_eq(line.n_regions, 0);
	command_line_deinit(&line);

	ck_assert_int_eq(PARSE("-h"), 0);
	ck_assert(line.help && !line.prepare);
	ck_assert_int_eq(PARSE("--prepare"), 0);
	ck_assert(line.prepare);
	ck_assert_int_eq(PARSE("--version"), 0);
	ck_assert(line.version);
}
END_TEST

START_TEST(what_is_wrong_is_named)
{
	static const struct {
		const char *words[4];
		const char *text;
	} cases[] = {
		{{"--bogus"}, "there is no option '--bogus'"},
		{{"-x"}, "there is no option '-x'"},
		{{"-xh"}, "there is no option '-x'"},
		{{"--s", "/s"}, "'--s', or several start like this"},
		{{"--simulate", "1M", "--pool"}, "'--pool' needs an argument"},
		{{"--help=3"}, "'--help=3': no argument is wanted"},
		{{"--log-level", "loud"}, "'loud' is not one of"},
		{{"--dtb=a", "--tree=b"}, "exclude each other"},
		{{"--simulate=1M", "here"}, "'here' is no option"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ck_assert_int_eq(parse(cases[i].words), -EINVAL);
		ck_assert_msg(strstr(why.text, cases[i].text),
			      "'%s' lacks '%s'", why.text, cases[i].text);
		ck_assert_ptr_null(line.regions);
	}
}
END_TEST

START_TEST(command_line_wins_over_the_file)
{
	struct configuration config;

	config_init(&config);
	config.socket = strdup("/old");
	config.log_level = LOG_LEVEL_ERR;
	ck_assert_int_eq(PARSE("--socket=/new", "--log-level=info",
			       "--simulate=a=1M", "--pool=b=2M"),
			 0);
	ck_assert_int_eq(command_line_apply(&line, &config, &why), 0);
	ck_assert_str_eq(config.socket, "/new");
	ck_assert_ptr_null(config.default_region);
	ck_assert_int_eq(config.log_level, LOG_LEVEL_INFO);
	ck_assert_uint_eq(config.n_regions, 2);
	ck_assert_int_eq(config.regions[0].kind, CONFIG_SIMULATE);
	ck_assert_int_eq(config.regions[1].kind, CONFIG_POOL);

	/* names are unique over file and command line */
	ck_assert_int_eq(command_line_apply(&line, &config, &why), -EEXIST);
	command_line_deinit(&line);
	ck_assert_int_eq(PARSE("--simulate=5Q"), 0);
	ck_assert_int_eq(command_line_apply(&line, &config, &why), -EINVAL);
	ck_assert_ptr_nonnull(strstr(why.text, "5Q"));
	command_line_deinit(&line);

	config.user.uid = 7;
	ck_assert_int_eq(PARSE("--user=root"), 0);
	ck_assert_int_eq(command_line_apply(&line, &config, &why), 0);
	ck_assert(config.has_user);
	ck_assert_uint_eq(config.user.uid, 0);
	ck_assert_int_eq(PARSE("--user=no-such-user"), 0);
	ck_assert_int_eq(command_line_apply(&line, &config, &why), -ENOENT);
	ck_assert_str_eq(why.text,
			 "--user: there is no user 'no-such-user'");
	config_deinit(&config);
}
END_TEST

/* Every option is in the help, so that nobody has to guess. */
START_TEST(help_has_every_option)
{
	static const char *const options[] = {
		"--socket",	    "--config",	   "--dtb",
		"--tree",	    "--simulate",  "--pool",
		"--default-region", "--log-level", "--allow-corrupting-kernel",
		"--version",	    "--help",	   "--user",
		"--prepare",
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		ck_assert_ptr_nonnull(strstr(command_line_help(), options[i]));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("command_line");
	TCase *tcase = harness_case(suite, "command_line");

	tcase_add_test(tcase, everything_is_taken);
	tcase_add_test(tcase, what_is_wrong_is_named);
	tcase_add_test(tcase, command_line_wins_over_the_file);
	tcase_add_test(tcase, help_has_every_option);
	return harness_run(suite);
}
