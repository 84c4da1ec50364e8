//! Every variable, declared once: by these constants the settings are read, and of them the flags, the table of README.md and
//! `.env.example` are made.

use super::variable::Need::{Always, Saas, When};
use super::variable::Program::{self, Build, Ci, Command, Indexer, Lambda, Router, Script};
use super::variable::Variable;

/// Who answers requests.
const HANDLERS: &[Program] = &[Router, Lambda];
/// Who works for tenants.
const SERVICE: &[Program] = &[Router, Indexer, Lambda];

/// `NAME = "what it means", who reads it, and what else is to be said;`
macro_rules! variables {
    ($($name:ident = $means:literal, $readers:expr $(, $method:ident($($argument:expr)?))*;)*) => {
        $(
            #[doc = $means]
            pub(super) const $name: Variable =
                Variable::new(stringify!($name), $means, $readers)$(.$method($($argument)?))*;
        )*

        /// All of them, in the order in which they are shown.
        pub const VARIABLES: &[Variable] = &[$($name),*];
    };
}

variables! {
    KOTADB_MODE = "`saas`: a service for others, for which everything that it needs must be set; `local`: a server of one's \
                   own, which needs `DATABASE_URL` alone and where what is not configured answers so", SERVICE,
        default("saas");
    DISABLE_SAAS_ENV_VALIDATION = "for emergencies: faults of the configuration are warnings, the server starts, and what \
                                   lacks its variables answers 503 `not_configured`", SERVICE, default("false");
    DATABASE_URL = "Postgres through its transaction pooler, as in `postgres://user:password@host:6543/postgres`",
        &[Router, Indexer, Lambda, Command, Script], secret(), need(Always);
    DATABASE_DIRECT_URL = "session or direct connection, for migrations; where it is set, also for word of queued jobs",
        &[Indexer, Script], secret(), computed("`DATABASE_URL`");
    SUPABASE_URL = "the Supabase project, as in `https://abc.supabase.co`: its keys sign the users' tokens", HANDLERS,
        need(Saas(&[Router]));
    SUPABASE_ANON_KEY = "the project's public key, with which it is asked who a user is: invitations are taken by verified \
                         addresses alone", &[Router, Lambda, Script], secret(), need(Saas(&[Router]));
    SUPABASE_SERVICE_KEY = "the project's service key; asked for so that a deployment is whole, read by scripts alone: no \
                            program bypasses row level security", &[Router, Script], secret(), need(Saas(&[Router]));
    JWT_SECRET = "the project's former shared secret, 32 characters at least: where it is set, tokens signed with HS256 are \
                  taken, too", HANDLERS, secret();
    PORT = "where the API listens; 0 is any free port, which is printed", &[Router], default("8080");
    KOTADB_BIND = "address the API and the metrics listen on", &[Router], default("0.0.0.0");
    KOTADB_METRICS_PORT = "where `/metrics` listens, for Prometheus; `none`: nowhere", &[Router],
        computed("9091 in the mode `saas`, else `none`");
    KOTADB_DATA_DIR = "scratch, and the object store where there is no bucket", &[Router, Indexer, Lambda, Command],
        computed("`$XDG_DATA_HOME/kotadb`, else `$HOME/.local/share/kotadb`"), for_jobs();
    BUCKET_NAME = "bucket of the object store", SERVICE, need(Saas(SERVICE)),
        computed("the folder `objects` in the data folder"), for_jobs();
    AWS_ENDPOINT_URL_S3 = "where the bucket is", SERVICE, computed("AWS"), for_jobs();
    AWS_REGION = "its region", SERVICE, default("auto"), for_jobs();
    AWS_ACCESS_KEY_ID = "its credentials", SERVICE, computed("what the machine provides"), for_jobs();
    AWS_SECRET_ACCESS_KEY = "the other half of them", SERVICE, secret(), need(When("with `AWS_ACCESS_KEY_ID`")), for_jobs();
    AWS_SESSION_TOKEN = "says that they are temporary: the machine is asked for them each time", SERVICE, secret(),
        for_jobs();
    BUCKET_REGION = "the bucket's region, where `AWS_REGION` says where the machine is", &[Lambda], computed("`AWS_REGION`");
    BUCKET_ACCESS_KEY_ID = "the bucket's credentials, where those of `AWS_…` are the machine's own and not to be set", &[Lambda],
        computed("`AWS_ACCESS_KEY_ID`");
    BUCKET_SECRET_ACCESS_KEY = "the other half of them", &[Lambda], secret(),
        need(When("with `BUCKET_ACCESS_KEY_ID`"));
    KOTADB_MASTER_KEY = "base64 of 32 bytes, as `openssl rand -base64 32` makes: seals secrets, signs cursors", SERVICE,
        secret(), need(Saas(&[Router, Indexer]));
    KOTADB_MASTER_KEY_PREVIOUS = "the former one, while secrets are sealed anew", SERVICE, secret();
    KOTADB_WEBHOOK_BASE_URL = "public address of the API, written into webhooks", SERVICE, need(Saas(&[Router]));
    GITHUB_APP_ID = "number of the GitHub App", SERVICE;
    GITHUB_APP_PRIVATE_KEY = "its PEM, line ends also as `\\n`", SERVICE, secret(), need(When("with `GITHUB_APP_ID`"));
    GITHUB_APP_WEBHOOK_SECRET = "signs deliveries to the hook of the GitHub App", HANDLERS, secret();
    GITHUB_APP_WEBHOOK_SECRET_PREVIOUS = "still taken while that is changed", HANDLERS, secret();
    GITHUB_CLIENT_ID = "the GitHub App or OAuth App, by which people sign in", HANDLERS;
    GITHUB_CLIENT_SECRET = "its secret", HANDLERS, secret(), need(When("with `GITHUB_CLIENT_ID`"));
    GITHUB_WEBHOOK_TOKEN = "the operator's GitHub token: makes webhooks and looks at refs where there is no installation",
        SERVICE, secret();
    KOTADB_GITHUB_API_URL = "GitHub's REST API; of an Enterprise Server `https://HOST/api/v3`", SERVICE,
        default("https://api.github.com");
    KOTADB_GIT_ALLOWED_ORIGINS = "origins that may be fetched, separated by commas", SERVICE, default("https://github.com"),
        for_jobs();
    KOTADB_CORS_ORIGINS = "origins whose pages may call the API from a browser, separated by commas", HANDLERS,
        computed("none");
    KOTADB_WAKE = "how the indexer is woken: `none`, `flycast`, `machines`, `process`", HANDLERS, default("none");
    KOTADB_WAKE_URL = "`flycast`: what is called", HANDLERS, default("http://kotadb-indexer.flycast/wake");
    FLY_API_HOSTNAME = "`machines`: Fly's Machines API", HANDLERS, default("https://api.machines.dev");
    FLY_API_TOKEN = "`machines`: its token", HANDLERS, secret(), need(When("`KOTADB_WAKE` is `machines`"));
    KOTADB_WAKE_APP = "`machines`: the app", HANDLERS, default("kotadb-indexer");
    KOTADB_WAKE_MACHINE = "`machines`: the machine", HANDLERS, computed("the one with `role=indexer` in its metadata");
    KOTADB_WAKE_COMMAND = "`process`: what is started", HANDLERS,
        computed("`kotadb-indexer drain --linger 2` beside the server");
    KOTADB_TICK_SECRET = "signs calls of `/internal/wake`; 32 characters at least", HANDLERS, secret();
    KOTADB_CACHE_BYTES = "memory for index data", HANDLERS, computed("a quarter of the memory limit, at most 2 GiB");
    KOTADB_CACHE_DISK = "folder for more of it, asked where that is faster than the bucket", HANDLERS;
    KOTADB_CACHE_DISK_BYTES = "most bytes there", HANDLERS, default("1073741824");
    KOTADB_LEASE_SECONDS = "how long a job is held without a sign of life, 1 to 3600", &[Indexer], default("60");
    KOTADB_JOB_MEMORY_BYTES = "most memory that the process of one job may use", &[Indexer],
        computed("three quarters of the memory limit"), for_jobs();
    KOTADB_SCRATCH_MEMORY = "folder in memory for the scratch of jobs; one that outgrows it goes on on disk. `none`: always \
                             on disk", &[Indexer], default("/dev/shm"), for_jobs();
    KOTADB_SCRATCH_MEMORY_BYTES = "most of it that one job fills, a part of its memory", &[Indexer],
        computed("a quarter of it"), for_jobs();
    KOTADB_INDEX_SCHEDULE = "when `kotadb-indexer serve` sweeps, five fields in UTC", &[Indexer], default("0 * * * *");
    KOTADB_FAIL_POINT = "where a crash test kills the process, `name` or `name:count`; read in debug builds alone",
        &[Indexer], for_jobs();
    RUST_LOG = "what is logged, such as `info,kotadb_core=debug`", SERVICE, default("info"), for_jobs();
    SENTRY_DSN = "where errors are reported, by programs built with the feature `sentry`; others warn", SERVICE, secret();
    REDIS_URL = "nothing uses Redis (limits are in Postgres, caches in the process): a warning, no more", SERVICE, secret();
    KOTADB_SERVER = "address of the service that `kotadb repos`, `jobs`, `keys` and `search --remote` ask", &[Command],
        computed("the one of the last `kotadb login`");
    KOTADB_COLOR = "whether answers are coloured: `auto` (where a terminal reads, unless `NO_COLOR` is set), `always`, `never`",
        &[Command], default("auto");
    KOTADB_PAGER = "program that shows what is longer than the terminal; `cat`: none", &[Command],
        computed("`PAGER`, else `less -FRX`");
    KOTADB_EXCLUDE = "globs of paths that searches leave out, separated by commas", &[Command], computed("none");
    KOTADB_REFRESH = "whether an index that lies behind is brought up to date where that takes less than a second",
        &[Command], default("true");
    KOTADB_AUTO_INDEX = "whether an index is made without asking where there is none", &[Command], default("false");
    PAGER = "only in the place of `KOTADB_PAGER`", &[Command];
    NO_COLOR = "anything: no colours where nothing else says so", &[Command];
    XDG_CONFIG_HOME = "where the folder `kotadb` with `config.toml` and the keys of `kotadb login` is", &[Command],
        computed("`$HOME/.config`");
    XDG_DATA_HOME = "only in the place of `KOTADB_DATA_DIR`", &[Router, Indexer, Command], for_jobs();
    HOME = "only in the place of `KOTADB_DATA_DIR`", &[Router, Indexer, Command], for_jobs();
    KOTADB_API_KEY = "key with which a service is asked: `kotadb mcp --url`, `doctor`, `jobs`", &[Command], secret();
    SUPABASE_DB_URL_STAGING = "direct connection to the database of staging, for its migrations", &[Script, Ci], secret(),
        need(When("staging is deployed"));
    SUPABASE_DB_URL_PRODUCTION = "direct connection to the database of production, for its migrations", &[Script, Ci],
        secret(), need(When("production is deployed"));
    SAAS_STAGING_API_KEY = "API key of the smoke test of staging", &[Script, Ci], secret();
    SAAS_PRODUCTION_API_KEY = "API key of the smoke test of production", &[Script, Ci], secret();
    KOTADB_COMMIT = "commit that programs are built from, which `/health` tells", &[Build];
}
