//! What Redis itself says when it cannot: pages, drafts and sign-in go on, and nobody waits.

use app::monitoring::port::DraftsState;

use super::*;

const TROUBLES: [&str; 3] = ["full", "a replica", "loading"];

fn begin(redis: &PrivateRedis, trouble: &str) {
    let set = |name: &str, value: &str| drop(redis.command(&["CONFIG", "SET", name, value]).expect("Redis is there"));
    match trouble {
        "full" => set("maxmemory", "1"),
        // Of nobody: what it has stays readable.
        "a replica" => drop(redis.command(&["REPLICAOF", "127.0.0.1", "1"]).expect("Redis is there")),
        _ => {
            // As many bytes each as Redis reads between two looks at who asks, so that it answers after each of them.
            let filling = "for n = 1, 3000 do redis.call('SET', 'filling:' .. n, string.rep('x', 1024)) end";
            redis.command(&["EVAL", filling, "0"]).expect("Redis is there");
            set("rdbcompression", "no");
            redis.command(&["BGREWRITEAOF"]).expect("Redis is there");
            let is_written = || {
                let info = redis.command(&["INFO", "persistence"]).expect("Redis is there");
                ["aof_rewrite_in_progress:0", "aof_rewrite_scheduled:0"]
                    .iter()
                    .all(|said| info.contains(said))
            };
            until("its log is written anew", is_written);
            // Each key takes 20 milliseconds, a minute in all: longer than anything here takes.
            let slowly = [
                "--key-load-delay",
                "20000",
                "--loading-process-events-interval-bytes",
                "1024",
            ];
            redis.begin_restart(&slowly).expect("it starts");
            let said = || redis.command(&["GET", "x"]).map_err(|error| error.to_string());
            until("it says that it is loading", || {
                said().is_err_and(|error| error.contains("LOADING"))
            });
        }
    }
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn end(redis: &PrivateRedis, trouble: &str) {
    match trouble {
        "full" => drop(
            redis
                .command(&["CONFIG", "SET", "maxmemory", "0"])
                .expect("Redis is there"),
        ),
        "a replica" => drop(redis.command(&["REPLICAOF", "NO", "ONE"]).expect("Redis is there")),
        // The rest is loaded at once.
        _ => drop(
            redis
                .command(&["CONFIG", "SET", "key-load-delay", "0"])
                .expect("it takes that while it is loading"),
        ),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_redis_says_pages_and_sign_in_go_on_and_drafts_come_back() {
    let panel = Panel::prepared().await;
    panel.until_drafts_are_kept_in("redis").await;
    let form = panel.app.form("/records/activity/1").await;
    let version = form.value("_version").expect("a version").to_owned();
    panel.write(&version, 1, None).await;
    panel.until_all_is_in_redis("1:page").await;
    let mut seq = 1;
    for trouble in TROUBLES {
        let (mut usual, mut slowest) = (Duration::MAX, Slowest::default());
        for _ in 0..OUTAGES {
            usual = usual.min(panel.usual_request(&version, &mut seq).await);
            tokio::task::block_in_place(|| begin(&panel.redis, trouble));
            slowest.add(panel.types_in_trouble(trouble, &version, &mut seq)).await;
            panel.goes_on_in_trouble(trouble, seq).await;
            tokio::task::block_in_place(|| end(&panel.redis, trouble));
            panel.until_drafts_are_kept_in("redis").await;
            panel.until_all_is_in_redis(&format!("{seq}:page")).await;
            assert_eq!(panel.listed_in_all().await, 1, "{trouble}: once");
        }
        slowest.waits_for_no_redis(trouble, usual);
    }
}

impl Panel {
    /// Three rounds of requests, as soon as Redis is in trouble; what each took.
    async fn types_in_trouble(&self, trouble: &str, version: &str, seq: &mut u64) -> Vec<Duration> {
        let mut all = Vec::new();
        for _ in 0..3 {
            *seq += 1;
            let (took, (status, kept)) = self.round(version, *seq, Some(*seq - 1)).await;
            assert_eq!(status, StatusCode::OK, "{trouble}: {kept}");
            // A full one still takes what is no more than before.
            if trouble != "full" {
                assert_eq!(kept["kept_in"], "server", "{trouble}");
            }
            all.extend(took);
        }
        all
    }

    async fn goes_on_in_trouble(&self, trouble: &str, seq: u64) {
        assert!(
            self.app.sign_in("admin", PASSWORD).await.is_some(),
            "{trouble}: signing in"
        );
        self.until_it_is_seen(trouble, &format!("Typed {seq}")).await;
        // A full one takes now this text and now that one no more: each answer has said where it is.
        if trouble != "full" {
            self.until_drafts_are_kept_in("spill").await;
            let dashboard = self.app.get("/").await.body;
            assert!(dashboard.contains("Redis cannot be reached"), "{trouble}: {dashboard}");
        }
    }

    /// Each page shows it, once. What is in a full Redis is not seen for a while where one reply is late.
    async fn until_it_is_seen(&self, trouble: &str, text: &str) {
        let began = Instant::now();
        loop {
            let (page, listed) = (self.app.form("/records/activity/1").await, self.listed().await);
            assert!(listed <= 1, "{trouble}: listed {listed} times");
            if page.value("v.title") == Some(text) && listed == 1 {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{trouble}: {text} is not seen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// As a page does: told that what it goes on from is not stored, it writes anew.
    async fn types_on(&self, version: &str, seq: u64) {
        let (status, stored) = self.write(version, seq, Some(seq - 1)).await;
        if status == StatusCode::CONFLICT {
            assert_eq!(stored, Value::Null, "nothing but its own text was there");
            let (status, kept) = self.write(version, seq, None).await;
            assert_eq!(status, StatusCode::OK, "{kept}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_has_lost_its_end_stops_no_page_and_no_sign_in_and_the_text_comes_back() {
    let panel = Panel::prepared().await;
    panel.until_drafts_are_kept_in("redis").await;
    let form = panel.app.form("/records/activity/1").await;
    let version = form.value("_version").expect("a version").to_owned();
    panel.write(&version, 1, None).await;
    panel.until_all_is_in_redis("1:page").await;
    let mut seq = 1;
    let (mut usual, mut slowest) = (Duration::MAX, Slowest::default());
    for bytes in [1, 2, 9, 40, 77, 100] {
        usual = usual.min(panel.usual_request(&version, &mut seq).await);
        panel.redis.kill();
        panel.redis.cut_log(bytes).expect("it has a log");
        seq += 1;
        let typing = async {
            let (took, (status, kept)) = panel.round(&version, seq, Some(seq - 1)).await;
            assert_eq!((status, &kept["kept_in"]), (StatusCode::OK, &json!("server")), "{kept}");
            took
        };
        slowest.add(typing).await;
        assert!(
            panel.app.sign_in("admin", PASSWORD).await.is_some(),
            "{bytes}: signing in"
        );
        panel.redis.restart().expect("it starts again");
        panel.until_drafts_are_kept_in("redis").await;
        panel.until_all_is_in_redis(&format!("{seq}:page")).await;

        // And where nothing was typed meanwhile: the page still has what Redis has lost.
        panel.redis.kill();
        panel.redis.cut_log(bytes).expect("it has a log");
        panel.redis.restart().expect("it starts again");
        panel.until_drafts_are_kept_in("redis").await;
        seq += 1;
        panel.types_on(&version, seq).await;
        panel.until_all_is_in_redis(&format!("{seq}:page")).await;
        assert_eq!(panel.listed_in_all().await, 1, "{bytes}: once");
        let page = panel.app.form("/records/activity/1").await;
        assert_eq!(page.value("v.title"), Some(format!("Typed {seq}").as_str()), "{bytes}");
    }
    slowest.waits_for_no_redis("killed", usual);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_that_cannot_be_opened_is_said_and_can_be_discarded() {
    let redis = PrivateRedis::start().expect("Redis is installed");
    let token = "a token of more than sixteen";
    let app = TestApp::with(&[("REDIS_URL", &redis.url()), ("INKFAST_API_TOKEN", token)]).await;
    let form_url = "/records/technicians/1";
    let version = app
        .form(form_url)
        .await
        .value("_version")
        .expect("a version")
        .to_owned();
    let typed = json!({"version": version, "values": {"name": "Typed"}, "seq": 3, "writer": "page"});
    let written = app.post_json("/api/drafts/technicians/1", &typed.to_string()).await;
    assert_eq!(written.status, StatusCode::OK, "{}", written.body);
    until_everything_is_moved(&app).await;
    let key = redis.keys("*:form:technicians/1").expect("Redis is there").remove(0);
    let kept = redis.command(&["HGET", &key, "draft:3:page"]).expect("it is in Redis");
    // One character of what is sealed.
    let at = kept.find("sealed").expect("it is sealed") + 70;
    let other = if &kept[at..=at] == "A" { "B" } else { "A" };
    let changed = format!("{}{other}{}", &kept[..at], &kept[at + 1..]);
    redis
        .command(&["HSET", &key, "draft:3:page", &changed])
        .expect("Redis is there");

    let page = app.get("/drafts").await.body;
    assert!(
        page.contains("1 draft cannot be opened.") && page.contains(form_url),
        "{page}"
    );
    assert!(!page.contains("Nothing is waiting"), "{page}");
    let form = app.form(form_url).await;
    assert_eq!(form.state, "clean", "it is not drawn");
    let bearer = format!("Bearer {token}");
    let metrics = app
        .request(Method::GET, "/metrics", None, &[("authorization", &bearer)])
        .await
        .body;
    assert!(
        metrics.contains(r#"inkfast_drafts_unreadable_total{why="changed"}"#),
        "{metrics}"
    );

    let discarded = [("form_key", "technicians/1"), ("seq", "3"), ("writer", "page")];
    let discarded = discarded.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let answered = app
        .request(Method::POST, "/drafts/discard", Some(&discarded), &[])
        .await;
    assert!(answered.status.is_redirection(), "{}", answered.status);
    let page = app.get("/drafts").await.body;
    assert!(
        page.contains("Nothing is waiting") && !page.contains("cannot be opened"),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_change_their_secret_one_after_the_other_share_their_drafts() {
    let redis = PrivateRedis::start().expect("Redis is installed");
    let url = redis.url();
    let server = |settings: &'static [(&'static str, &'static str)]| {
        let url = url.clone();
        async move {
            let mut all = vec![("REDIS_URL", url.as_str())];
            all.extend(settings);
            TestApp::with(&all).await
        }
    };
    let late = server(&[
        ("INKFAST_SECRET", "the first passphrase that is long enough"),
        ("INKFAST_NEXT_SECRET", "the second passphrase that is long enough"),
    ])
    .await;
    let early = server(&[
        ("INKFAST_SECRET", "the second passphrase that is long enough"),
        ("INKFAST_OLD_SECRETS", "the first passphrase that is long enough"),
    ])
    .await;
    let mut on = Value::Null;
    for (seq, app) in [(1, &late), (2, &early), (3, &late), (4, &early)] {
        let typed =
            json!({"version": "v", "values": {"name": format!("Typed {seq}")}, "seq": seq, "writer": "page", "on": on});
        let written = app.post_json("/api/drafts/technicians/1", &typed.to_string()).await;
        assert_eq!(written.status, StatusCode::OK, "{seq}: {}", written.body);
        until_everything_is_moved(app).await;
        on = json!({"seq": seq, "writer": "page"});
        for app in [&late, &early] {
            until_it_reads(app, &format!("Typed {seq}")).await;
        }
    }
    // Signed in at one, signed in at the other.
    for (cookie, app) in [(&late.cookie, &early), (&early.cookie, &late)] {
        assert!(
            app.services()
                .auth
                .open_session(cookie.split_once('=').expect("a cookie").1)
                .is_some()
        );
    }
}

/// What a server keeps itself goes to Redis as soon as that answers in time.
pub(super) async fn until_everything_is_moved(app: &TestApp) {
    let began = Instant::now();
    let drafts = &app.services().drafts;
    while !drafts.waiting_accounts().is_empty() || drafts.state() != DraftsState::Redis {
        assert!(began.elapsed() < PATIENCE, "Redis does not get it");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// As soon as Redis answers it in time.
async fn until_it_reads(app: &TestApp, text: &str) {
    let began = Instant::now();
    loop {
        let read = data_of(&app.get("/api/drafts/technicians/1").await);
        if read["values"]["name"] == text {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{read} instead of {text}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
