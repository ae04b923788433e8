# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# How ./check runs a suite: quietly into a log, with a line before and after,
# and with its tests counted.  Sourced by ./check.

passed=0
failed=0
skipped=0
failures=()

# suite NAME COMMAND...: runs a command whose output counts its tests, either
# as automake's "# PASS: N" lines or as "NAME: N passed, N failed, N skipped".
# A command that fails without saying which test failed counts as one failure.
suite()
{
	local name=$1 log=$logs/${1// /-}.log start=$SECONDS status=0
	local pass fail skip

	shift
	printf '==> %s\n' "$name"
	"$@" >"$log" 2>&1 </dev/null &
	wait_and_tell $! "$log" || status=$?

	pass=$(count_tests "$log" PASS XFAIL passed)
	fail=$(count_tests "$log" FAIL ERROR XPASS failed)
	skip=$(count_tests "$log" SKIP - skipped)
	[ "$status" -eq 0 ] || [ "$fail" -gt 0 ] || fail=1
	[ $((pass + fail + skip)) -gt 0 ] || pass=1
	passed=$((passed + pass))
	failed=$((failed + fail))
	skipped=$((skipped + skip))
	grep -hE '^(SKIP: .*: |(not ok|FAIL|ERROR|XPASS)[: ])|^ok .*# SKIP' "$log" |
		sed 's/^/    /' || true
	if [ "$fail" -gt 0 ]; then
		failures+=("$name")
		printf '    the end of %s:\n' "${log#"$top"/}"
		tail -n 40 "$log" | sed 's/^/    | /'
	fi
	printf '    %d passed, %d failed, %d skipped in %d s\n' \
		"$pass" "$fail" "$skip" $((SECONDS - start))
}

# Waits for a job, and every half minute shows what its log has got to.
wait_and_tell()
{
	local pid=$1 log=$2 ticks=0

	while kill -0 "$pid" 2>/dev/null; do
		sleep 1
		ticks=$((ticks + 1))
		if [ $((ticks % 30)) -eq 0 ]; then
			printf '    ... %s\n' "$(tail -n 1 "$log" | cut -c 1-100)"
		fi
	done
	wait "$pid"
}

# count_tests LOG KIND KIND WORD: the sum of automake's counters of both kinds
# and of the figure before WORD in summary lines.
count_tests()
{
	awk -v a="$2" -v b="$3" -v word="$4" '
		$1 == "#" && ($2 == a ":" || $2 == b ":") { sum += $3 }
		/^[^#]*: [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ {
			line = $0
			sub(/^.*: /, "", line)
			n = split(line, part, ", ")
			for (i = 1; i <= n; i++) {
				split(part[i], figure, " ")
				if (figure[2] == word)
					sum += figure[1]
			}
		}
		END { print sum + 0 }' "$1"
}
