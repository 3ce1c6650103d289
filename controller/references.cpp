#include "controller/references.h"

#include "base/log.h"

namespace ballast {
namespace {

// What is expected of a daemon; the rates of one that runs are not known when it starts.
constexpr double seconds_a_day = 86'400;
// A backend is loaded or replaced about once a day, and leased twice for it.
constexpr double module_leases_per_s = 2 / seconds_a_day;
constexpr double module_removals_per_s = 1 / seconds_a_day;
// Scrapes, a page that somebody looks at, and scripts.
constexpr double snapshot_reads_per_s = 10;

// What is expected weighs as much as what was counted in so long.
constexpr Duration expectation_weight = std::chrono::hours(1);

constexpr std::uint32_t quick_loops = 1000;
constexpr std::uint32_t quick_runs = 7;

probe::Use module_use() {
    return {.name = "module_refs",
            .needs = probe::needs_of_ballast(),
            .offers = probe::module_offers(),
            .reads_per_s = module_leases_per_s,
            .updates_per_s = module_removals_per_s};
}

probe::Use snapshot_use(Duration delay) {
    return {.name = "snapshot_refs",
            .needs = probe::needs_of_ballast(),
            .offers = probe::snapshot_offers(),
            .reads_per_s = snapshot_reads_per_s,
            .updates_per_s = 1.0 / std::chrono::duration<double>(delay).count()};
}

// The schemes on offer alone, with one reader, in a few milliseconds; assumed costs where that
// does not succeed.
std::vector<probe::Cost> quick_costs(const Clock& clock) {
    const auto cpus = probe::usable_cpus();
    if (!cpus) return probe::typical_costs();
    auto team = probe::ReaderTeam::start({.cpus = {cpus->front()}});
    if (!team) {
        log::debug("what readers pay is assumed: {}", team.error().message());
        return probe::typical_costs();
    }
    probe::Survey::Options options;
    for (const auto* const offers : {&probe::module_offers(), &probe::snapshot_offers()})
        for (const probe::Offer& offer : *offers)
            options.types.push_back(probe::find_scale_type(offer.scale_type));
    options.readers = {1};
    options.runs = quick_runs;
    options.section = {.loops = quick_loops, .patience = std::chrono::milliseconds(20)};
    probe::Survey survey(**team, clock, options);
    while (survey.step()) {
    }
    return probe::costs_of(survey.findings(), quick_runs);
}

Result<std::unique_ptr<ProbeRunner>> make_runner(const ProbeSettings& settings, const Clock& clock,
                                                 std::function<Duration()> room) {
    const auto cpus = probe::usable_cpus();
    if (!cpus) return Failure(cpus.error());
    const probe::Parameters parameters{
        .loops = settings.loops, .nreaders = settings.nreaders, .nruns = settings.nruns};
    const auto plan = probe::check(parameters, static_cast<unsigned>(cpus->size()));
    if (!plan) return Failure(plan.error());
    return ProbeRunner::start(clock, {.budget_per_s = settings.budget_per_s,
                                      .loops = plan->loops,
                                      .runs = plan->runs,
                                      .readers = plan->readers,
                                      .room = std::move(room)});
}

// With what is known now, but the scheme that is in use.
probe::Choice reconsidered(const probe::Choice& in_use, const probe::Use& use,
                           const std::vector<probe::Cost>& costs) {
    probe::Choice now = probe::choose(use, costs);
    if (!in_use.configured && now.chosen != in_use.chosen) now.cheaper_now = now.chosen;
    now.chosen = in_use.chosen;
    now.configured = in_use.configured;
    return now;
}

}  // namespace

probe::Use with_counts(probe::Use expected, const UseCounts& counts, Duration counted_for) {
    const auto mended = [&](double expected_per_s, std::uint64_t counted) {
        using Seconds = std::chrono::duration<double>;
        const double weight_s = Seconds(expectation_weight).count();
        return (expected_per_s * weight_s + static_cast<double>(counted)) /
               (weight_s + Seconds(counted_for).count());
    };
    expected.reads_per_s = mended(expected.reads_per_s, counts.reads);
    expected.updates_per_s = mended(expected.updates_per_s, counts.updates);
    expected.counted_for = counted_for;
    return expected;
}

References::References(const Settings& settings, const Clock& clock)
    : clock_(clock), costs_(probe::typical_costs()) {
    const ReferenceSettings& configured = settings.references;
    if (configured.module_refs == RefScheme::automatic ||
        configured.snapshot_refs == RefScheme::automatic)
        costs_ = quick_costs(clock);
    module_refs_ = probe::choose(module_use(), costs_, configured.module_refs);
    snapshot_refs_ =
        probe::choose(snapshot_use(settings.cmm.delay), costs_, configured.snapshot_refs);
    // What this machine cannot do is replaced by what it can.
    for (probe::Choice* const choice : {&module_refs_, &snapshot_refs_})
        choice->chosen = ModuleRef({.scheme = choice->chosen}).scheme();
}

void References::count(std::function<UseCounts()> modules, std::function<UseCounts()> snapshots) {
    count_modules_ = std::move(modules);
    count_snapshots_ = std::move(snapshots);
    counted_since_ = clock_.now();
}

Result<void> References::start_probe(const ProbeSettings& settings,
                                     std::function<Duration()> room) {
    auto runner = make_runner(settings, clock_, std::move(room));
    const std::lock_guard lock(mutex_);
    if (!runner) {
        Failure failure = with_context(runner.error(), "probe");
        problem_ = failure.value().message();
        return failure;
    }
    runner_ = std::move(*runner);
    return {};
}

void References::stop_probe() noexcept {
    std::unique_ptr<ProbeRunner> ending;  // ends when nobody waits for the lock
    const std::lock_guard lock(mutex_);
    std::swap(ending, runner_);
}

probe::Use References::counted(const probe::Use& expected,
                               const std::function<UseCounts()>& counts) const {
    return counts ? with_counts(expected, counts(), clock_.now() - counted_since_) : expected;
}

ProbeReport References::report() const {
    const std::lock_guard lock(mutex_);
    ProbeReport report;
    std::vector<probe::Cost> costs = costs_;
    if (runner_) {
        std::vector<probe::Finding> findings;
        report = runner_->report(findings);
        if (report.surveys > 0) costs = probe::costs_of(findings, runner_->wanted());
    }
    report.problem = problem_;
    report.choices = {
        reconsidered(module_refs_, counted(module_refs_.use, count_modules_), costs),
        reconsidered(snapshot_refs_, counted(snapshot_refs_.use, count_snapshots_), costs)};
    return report;
}

}  // namespace ballast
