# Judges a release that is watched. Reads the limits and two snapshots of the gateway's counts for each of two colours, as
# lines of "key value…"; prints figures, and a line "bad REASON" for each limit that is passed.
#
#   limit maxErrorPercent 1        limit maxP99Ms 0 (0: none)      limit worseErrorPercent 1   limit worseP99Factor 3
#   limit minRequests 20
#   new.base REQUESTS ERRORS B0 … B16       new.now …       old.base …       old.now …
#   minute.base …   minute.now …            (of the new colour, at most a minute apart; may be missing)
#
# Figures: newRequests newErrorPercent newP99Ms oldRequests oldErrorPercent oldP99Ms, and the same of the minute. A p99 is the
# upper end of its bucket, in milliseconds (1, 2, 4 … 65536), 0 where 99 of 100 took less than one.
$1 == "limit" { limit[$2] = $3; next }
{
  split($1, name, ".")
  for (i = 2; i <= NF; i++) count[name[1], name[2], i] = $i
}
function grown(who, i) { return count[who, "now", i] - count[who, "base", i] }
function figures(who, i, over, rank, p99) {
  requests[who] = grown(who, 2)
  errors[who] = requests[who] > 0 ? 100 * grown(who, 3) / requests[who] : 0
  over = 0
  rank = requests[who] / 100
  p99 = 0
  # From the slowest on: the bucket in which the hundredth part of the requests is reached.
  for (i = 20; i >= 4; i--) {
    over += grown(who, i)
    if (over > rank) { p99 = 2 ^ (i - 4); break }
  }
  slow[who] = p99
  printf "%sRequests %d\n%sErrorPercent %.2f\n%sP99Ms %d\n", who, requests[who], who, errors[who], who, p99
}
END {
  figures("new")
  figures("old")
  figures("minute")
  if (requests["new"] < limit["minRequests"]) exit
  if (errors["new"] > limit["maxErrorPercent"])
    printf "bad %.2f %% of %d requests failed, allowed are %s %%\n", errors["new"], requests["new"], limit["maxErrorPercent"]
  # An outage late in a long watch is few among all; a minute of few requests has its bad luck, too.
  outage = 10 * limit["maxErrorPercent"]
  if (outage > 50) outage = 50
  if (outage < limit["maxErrorPercent"]) outage = limit["maxErrorPercent"]
  if (requests["minute"] >= limit["minRequests"] && errors["minute"] > outage)
    printf "bad %.2f %% of %d requests failed within a minute, allowed are %s %%\n", errors["minute"], requests["minute"], outage
  # The slowest hundredth of fewer requests is one or two of them, and says nothing.
  timed = requests["new"] >= 500
  if (timed && limit["maxP99Ms"] > 0 && slow["new"] > limit["maxP99Ms"])
    printf "bad 99 of 100 answers took up to %d ms, allowed are %d ms\n", slow["new"], limit["maxP99Ms"]
  if (requests["old"] < limit["minRequests"]) exit
  if (errors["new"] > errors["old"] + limit["worseErrorPercent"])
    printf "bad %.2f %% of %d requests failed, and %.2f %% of the other colour's in the same time\n", errors["new"], requests["new"], errors["old"]
  # Buckets double: less than two of them apart says nothing.
  if (timed && requests["old"] >= 500 && slow["new"] > 16 && slow["new"] > slow["old"] * limit["worseP99Factor"])
    printf "bad 99 of 100 answers took up to %d ms, and %d ms of the other colour in the same time\n", slow["new"], slow["old"]
}
