"""Simulates queue, machines and storage of the service for some loads, and writes what they cost and where they end into
OPERATIONS.md and docs/capacity.svg. The same inputs give the same bytes.

    simulate.py            writes both anew
    simulate.py --check    exit 1 if they are not what would be written

Inputs are of two kinds: figures that were measured here (each names its bench) and prices and habits that are assumed, stated as
such. Nothing is asked of a network."""

import heapq
import math
import random
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DAY = 86_400

# Measured: `make bench` and `make bench-freshness` on two cores.
START_SECONDS = 2.0          # from a wake-up to the first claim, as injected in the freshness bench
DEBOUNCE_SECONDS = 2.0       # pushes that follow a push within this time are one job
JOB_MEDIAN_SECONDS = 1.2     # fetch, index and publish of a push to a repository of up to 5,000 files
JOB_SPREAD = 0.9             # of its logarithm: a linux-size repository takes some seconds, a first index minutes
SWEEP_SECONDS = 20.0         # an hourly sweep with nothing to do
INDEX_SHARE = 0.42           # of the text, with symbols and graph
ROOT_BYTES = 63              # a repository in HEAD
PUTS_A_JOB = 6               # segment, snapshot, graph, refs, dropped, HEAD
GETS_A_COLD_QUERY = 34
WEBHOOKS_A_SECOND = 500      # accepted for a minute, p99 8 ms
CONNECTIONS_AN_INDEXER = 3
LINUX_TEXT_GB, LINUX_MEMORY_MIB = 1.15, 768

# Assumed: list prices in dollars for 30 days, and how the service is used.
RAM_GB, ROOTFS_GB, STORED_GB, PUTS_MILLION, GETS_MILLION = 5.0, 0.15, 0.02, 5.0, 0.5
ROUTER_GB, INDEXER_GB, IMAGE_GB = 1.0, 2.0, 0.15
SUPABASE_PRO = 25.0
POOLER_CLIENTS = 200
AWAKE_SECONDS = 360          # Fly suspends a machine some minutes after its last request
QUERIES_A_PUSH = 10
COLD_SHARE = 0.3
TEXT_MB_A_REPOSITORY = 20
PEAK = 3.0                   # the busiest hour against the mean
PATIENCE_SECONDS = 30.0      # a job in twenty may wait so long for a machine


@dataclass
class Load:
    name: str
    pushes: int
    repositories: int


LOADS = [Load("idle", 0, 10), Load("a team", 200, 100), Load("a company", 20_000, 10_000), Load("a host", 1_000_000, 200_000)]


@dataclass
class Day:
    jobs: int
    machines: int
    wait_median: float
    wait_p95: float
    indexer_seconds: float
    router_seconds: float


def intensity(second):
    """The share of the mean rate at this second of a day: quiet nights, a busy afternoon."""
    return max(0.0, 1 + (PEAK - 1) * math.sin(2 * math.pi * (second / DAY - 0.375)))


def arrivals(rng, count):
    """Pushes of one day, by time, thinned from a steady stream (Lewis and Shedler)."""
    if not count:
        return []
    highest = max(intensity(second) for second in range(0, DAY, 300))
    mean = sum(intensity(second) for second in range(0, DAY, 300)) / (DAY / 300)
    times, now = [], 0.0
    while True:
        now += rng.expovariate(count * highest / mean / DAY)
        if now >= DAY:
            return times
        if rng.random() * highest <= intensity(now):
            times.append(now)


def jobs_of(rng, times, repositories):
    """What pushes become: one job for all that follow each other within the debounce. Few repositories get most pushes."""
    last, jobs = {}, []
    for time in times:
        repository = min(int(repositories * rng.random() ** 3), repositories - 1)
        if time - last.get(repository, -DAY) > DEBOUNCE_SECONDS:
            jobs.append((time + DEBOUNCE_SECONDS, rng.lognormvariate(math.log(JOB_MEDIAN_SECONDS), JOB_SPREAD)))
        last[repository] = time
    return jobs


def run(jobs, machines, linger=60.0):
    """First come, first served on machines that start when there is work and end when none came for a while. Gives each job's
    wait, and the seconds that machines ran."""
    free = [(-linger - START_SECONDS, False) for _ in range(machines)]
    heapq.heapify(free)
    waits, seconds = [], 0.0
    for due, length in jobs:
        ready, was_used = heapq.heappop(free)
        asleep = due - ready > linger
        begin = due + START_SECONDS if asleep else max(due, ready)
        if was_used:
            seconds += min(linger, max(0.0, due - ready))
        seconds += length + (START_SECONDS if asleep else 0.0)
        waits.append(begin - due)
        heapq.heappush(free, (begin + length, True))
    return waits, seconds + linger * sum(was_used for _, was_used in free)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def machines_for(jobs):
    """The fewest machines on which a job in twenty waits no longer than it may."""
    machines = max(1, int(sum(length for _, length in jobs) / DAY))
    while percentile(run(jobs, machines)[0], 0.95) > PATIENCE_SECONDS:
        machines = machines + 1 if machines < 16 else int(machines * 1.1)
    return machines


def awake(times):
    """Seconds of a day in which a machine is awake that sleeps some time after its last request."""
    total, until = 0.0, 0.0
    for time in times:
        total += AWAKE_SECONDS if time > until else time + AWAKE_SECONDS - until
        until = time + AWAKE_SECONDS
    return min(total, DAY)


def simulate(load):
    rng = random.Random(7)
    times = arrivals(rng, load.pushes)
    jobs = jobs_of(rng, times, load.repositories)
    machines = machines_for(jobs)
    waits, seconds = run(jobs, machines)
    # Queries come in spells beside the pushes; every one keeps the API awake.
    requests = sorted([*times, *arrivals(rng, min(load.pushes * QUERIES_A_PUSH // 20, 5_000))])
    return Day(len(jobs), machines, percentile(waits, 0.5), percentile(waits, 0.95), seconds, awake(requests))


def cost(load, day):
    """Dollars for 30 days, by what they are for."""
    stored = load.repositories * TEXT_MB_A_REPOSITORY / 1000 * INDEX_SHARE
    queries = load.pushes * QUERIES_A_PUSH * 30
    routers = max(1, load.pushes // 100_000)
    return {
        "API": routers * RAM_GB * ROUTER_GB * day.router_seconds / DAY,
        "indexers": RAM_GB * INDEXER_GB * (day.indexer_seconds + 24 * SWEEP_SECONDS) / DAY,
        "machines at rest": (routers + day.machines + 1) * IMAGE_GB * ROOTFS_GB,
        "bucket": stored * STORED_GB + day.jobs * 30 * PUTS_A_JOB / 1e6 * PUTS_MILLION
        + queries * COLD_SHARE * GETS_A_COLD_QUERY / 1e6 * GETS_MILLION,
        "Postgres": SUPABASE_PRO if load.pushes > 1_000 else 0.0,
    }


def number(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value else "0"


def table(days):
    rows = [
        "| | " + " | ".join(f"{load.name}: {load.pushes:,} pushes a day" for load, _ in days) + " |",
        "|---|" + "---|" * len(days),
        "| repositories | " + " | ".join(f"{load.repositories:,}" for load, _ in days) + " |",
        "| jobs a day | " + " | ".join(f"{day.jobs:,}" for _, day in days) + " |",
        "| indexers, so that a job in twenty waits 30 s at most | " + " | ".join(f"{day.machines:,}" for _, day in days) + " |",
        "| a job waits, median and p95, s | " + " | ".join(f"{day.wait_median:.1f}, {day.wait_p95:.1f}" for _, day in days) + " |",
        "| indexers run, hours a day | " + " | ".join(number(day.indexer_seconds / 3600) for _, day in days) + " |",
        "| the API is awake, hours a day | " + " | ".join(number(day.router_seconds / 3600) for _, day in days) + " |",
        "| index, GB | " + " | ".join(number(load.repositories * TEXT_MB_A_REPOSITORY / 1000 * INDEX_SHARE) for load, _ in days) + " |",
    ]
    costs = [cost(load, day) for load, day in days]
    rows += [f"| {what}, $ a month | " + " | ".join(f"{costs_of[what]:,.2f}" for costs_of in costs) + " |" for what in costs[0]]
    rows.append("| **together, $ a month** | " + " | ".join(f"**{sum(costs_of.values()):,.2f}**" for costs_of in costs) + " |")
    return "\n".join(rows)


def one_machine_ends():
    """Most pushes a day, in thousands, that one indexer keeps up with."""
    kept = 0
    for thousands in range(1, 20):
        rng = random.Random(7)
        if machines_for(jobs_of(rng, arrivals(rng, thousands * 1000), 10_000)) > 1:
            return kept
        kept = thousands
    return kept


def limits(days):
    host, at_host = days[-1]
    company, at_company = days[-2]
    peak = host.pushes / DAY * PEAK
    connections = at_host.machines * CONNECTIONS_AN_INDEXER
    writes = at_host.jobs * 30 * PUTS_A_JOB / 1e6 * PUTS_MILLION
    publish_seconds = JOB_MEDIAN_SECONDS / 4
    return f"""A linux-size repository ({LINUX_TEXT_GB} GB of text) needs {LINUX_MEMORY_MIB} MiB to index and {LINUX_TEXT_GB * INDEX_SHARE:.2f} GB in the bucket: the indexer's 2 GiB have room for it. A tenant with 10,000 repositories has a HEAD of
{10_000 * ROOT_BYTES / 1e6:.2f} MB, which each publish writes once and each cold query reads once.

What ends first as a day's pushes grow, and what to change:

1. **One indexer**, above {one_machine_ends():,},000 pushes a day in the busy hour; {company.pushes:,} need {at_company.machines}, {host.pushes:,} need {at_host.machines}. Make more of the same,
   `flyctl scale count indexer={at_company.machines} --app kotadb-indexer`: they share the queue by themselves.
2. **The HEAD of one tenant**: it is swapped once a publish, one after the other. At about {publish_seconds:.1f} s each, {1 / publish_seconds:.0f} a second: a tenant with more should be several.
3. **The pooler's {POOLER_CLIENTS} clients**: {at_host.machines} indexers hold {connections} connections of them, and each machine of the API some. A larger pooler is a setting of Supabase's.
4. **Money**: {host.pushes:,} pushes cost ${writes:,.0f} a month in writes to the bucket, {PUTS_A_JOB} a job. A longer debounce makes them fewer where pushes come in spells.
5. **Webhooks** last: {peak:.0f} a second in the busy hour of {host.pushes:,} pushes, and {WEBHOOKS_A_SECOND} a second were accepted in the bench.
"""


def chart(days):
    """Dollars a month by what they are for, as bars on a logarithmic scale."""
    width, height, left, bottom = 720, 300, 60, 40
    costs = [cost(load, day) for load, day in days]
    top = max(sum(costs_of.values()) for costs_of in costs)
    scale = lambda dollars: (math.log10(max(dollars, 0.01)) + 2) / (math.log10(top) + 2) * (height - bottom - 30)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" role="img">',
             "<title>Cost a month by load</title>", f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for power in range(-2, int(math.log10(top)) + 1):
        y = height - bottom - scale(10.0**power)
        parts.append(f'<path d="M{left} {y:.1f}H{width - 10}" stroke="#ddd"/><text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#444">${10.0**power:g}</text>')
    step = (width - left - 10) / len(days)
    for place, ((load, _), costs_of) in enumerate(zip(days, costs)):
        total, x = sum(costs_of.values()), left + place * step + step * 0.2
        tall = scale(total)
        parts.append(f'<rect x="{x:.1f}" y="{height - bottom - tall:.1f}" width="{step * 0.6:.1f}" height="{tall:.1f}" fill="#2b6cb0"/>')
        middle = x + step * 0.3
        parts.append(f'<text x="{middle:.1f}" y="{height - bottom - tall - 6:.1f}" text-anchor="middle" fill="#111">${total:,.2f}</text>')
        parts.append(f'<text x="{middle:.1f}" y="{height - bottom + 18}" text-anchor="middle" fill="#111">{load.name}</text>')
        parts.append(f'<text x="{middle:.1f}" y="{height - bottom + 33}" text-anchor="middle" fill="#444">{load.pushes:,} pushes a day</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def page(days, text):
    begin, end = "<!-- simulation: made by `make simulate` -->\n", "<!-- simulation end -->"
    before, _, rest = text.partition(begin)
    after = rest.partition(end)[2]
    inside = f"\n![Cost a month by load](docs/capacity.svg)\n\n{table(days)}\n\n{limits(days)}\n"
    return before + begin + inside + end + after


def main():
    days = [(load, simulate(load)) for load in LOADS]
    operations, drawing = ROOT / "OPERATIONS.md", ROOT / "docs/capacity.svg"
    wanted = {operations: page(days, operations.read_text()), drawing: chart(days)}
    if sys.argv[1:] == ["--check"]:
        stale = [path.name for path, text in wanted.items() if not path.exists() or path.read_text() != text]
        sys.exit(f"simulate: not as `make simulate` would write: {', '.join(stale)}" if stale else 0)
    for path, text in wanted.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    print(table(days))


main()
