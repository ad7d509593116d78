use super::*;

fn open(hub: &Hub, stream: &Subscription, account: &str, form_keys: &[&str]) -> bool {
    hub.opened(account, &stream.token, Place::read_all(form_keys.iter().copied()))
}

async fn heard(stream: &mut Subscription) -> Vec<String> {
    let mut heard = Vec::new();
    while let Ok(message) = stream.receiver.try_recv() {
        heard.push(String::from_utf8_lossy(&message.into_bytes()).into_owned());
    }
    heard
}

#[tokio::test]
async fn only_those_who_have_the_record_open_hear_of_it() {
    let hub = Arc::new(Hub::default());
    let mut anna = hub.subscribe("anna").expect("room");
    let mut mira = hub.subscribe("mira").expect("room");
    assert!(open(&hub, &anna, "anna", &["t/1"]) && open(&hub, &mira, "mira", &["t/2"]));
    assert!(!open(&hub, &mira, "anna", &["t/1"]), "a stream of somebody else");
    heard(&mut anna).await;
    heard(&mut mira).await;
    hub.record_saved(&Place::read("t/1").expect("a place"), "mira", "s1");
    assert_eq!(
        heard(&mut anna).await,
        ["event: record\ndata: {\"by\":\"mira\",\"key\":\"1\",\"table\":\"t\"}\n\n"]
    );
    assert!(heard(&mut mira).await.is_empty());
    hub.record_saved(&Place::read("t/1").expect("a place"), "anna", "s2");
    assert!(
        heard(&mut anna).await[0].contains("\"id\":\"s2\""),
        "her own pages know which"
    );
}

#[tokio::test]
async fn presence_comes_and_goes_with_the_stream() {
    let hub = Arc::new(Hub::default());
    let mut anna = hub.subscribe("anna").expect("room");
    let mira = hub.subscribe("mira").expect("room");
    open(&hub, &anna, "anna", &["t/1"]);
    open(&hub, &mira, "mira", &["t/1"]);
    let told = heard(&mut anna).await;
    assert!(
        told.last().expect("news").contains("\"who\":[\"anna\",\"mira\"]"),
        "{told:?}"
    );
    drop(mira);
    let told = heard(&mut anna).await;
    assert!(told.last().expect("news").contains("\"who\":[\"anna\"]"), "{told:?}");
}

fn here(who: &[&str]) -> Vec<Present> {
    let who = who.iter().map(|who| (*who).to_owned()).collect();
    vec![Present {
        table: "t".to_owned(),
        key: "1".to_owned(),
        who,
    }]
}

#[tokio::test]
async fn presence_of_other_servers_is_joined_and_goes_with_them() {
    let hub = Arc::new(Hub::default());
    let mut anna = hub.subscribe("anna").expect("room");
    open(&hub, &anna, "anna", &["t/1"]);
    assert_eq!(hub.present_here(), here(&["anna"]));
    heard(&mut anna).await;
    hub.present_elsewhere("b", here(&["mira", "anna"]));
    hub.present_elsewhere("c", here(&["bert"]));
    let told = heard(&mut anna).await;
    assert!(told[1].contains("\"who\":[\"anna\",\"bert\",\"mira\"]"), "{told:?}");
    hub.present_elsewhere("c", here(&["bert"]));
    assert!(heard(&mut anna).await.is_empty(), "no news");
    assert_eq!(hub.present_here(), here(&["anna"]), "each tells its own alone");
    hub.present_elsewhere("b", Vec::new());
    let told = heard(&mut anna).await;
    assert!(told[0].contains("\"who\":[\"anna\",\"bert\"]"), "{told:?}");
}

#[tokio::test]
async fn what_is_told_here_the_others_are_told_and_what_they_tell_is_not_said_again() {
    let (others, mut waiting) = Others::some();
    let hub = Arc::new(Hub::with(others));
    let place = Place::read("t/1").expect("a place");
    hub.saved_elsewhere(&place, "mira", "s1");
    hub.answered_elsewhere("mira", "s1", Outcome::Saved);
    hub.present_elsewhere("b", here(&["mira"]));
    assert!(waiting.try_recv().is_err());
    hub.record_saved(&place, "mira", "s2");
    hub.submission_answered("mira", "s2", Outcome::Saved);
    let told = [waiting.try_recv().unwrap(), waiting.try_recv().unwrap()];
    assert!(matches!(&told[0], Told::Saved { key, submission, .. } if key == "1" && submission == "s2"));
    assert!(matches!(&told[1], Told::Answered { account, .. } if account == "mira"));
    hub.close();
    assert_eq!(waiting.try_recv(), Ok(Told::Gone));
}

#[tokio::test]
async fn one_who_does_not_read_is_dropped_and_harms_nobody() {
    let hub = Arc::new(Hub::default());
    let mut deaf = hub.subscribe("anna").expect("room");
    let mut reader = hub.subscribe("anna").expect("room");
    for n in 0..MOST_WAITING + 10 {
        hub.submission_answered("anna", &format!("s{n}"), Outcome::Saved);
        assert_eq!(heard(&mut reader).await.len(), 1);
    }
    assert_eq!(heard(&mut deaf).await.len(), MOST_WAITING);
    assert_eq!(deaf.next().await, None);
}

#[tokio::test]
async fn a_new_stream_takes_the_place_of_the_accounts_oldest() {
    let hub = Arc::new(Hub::default());
    let mut streams: Vec<Subscription> = (0..MOST_OF_ONE_ACCOUNT)
        .map(|_| hub.subscribe("anna").expect("room"))
        .collect();
    let mut other = hub.subscribe("mira").expect("room");
    streams.push(hub.subscribe("anna").expect("room"));
    assert_eq!(streams[0].next().await, None);
    hub.submission_answered("anna", "s", Outcome::Saved);
    assert!(streams[1].next().await.is_some());
    assert!(heard(&mut other).await.is_empty());
}

#[tokio::test]
async fn there_are_only_so_many_streams_and_none_once_it_is_closed() {
    let hub = Arc::new(Hub::default());
    let mut streams: Vec<Subscription> = (0..MOST_IN_ALL)
        .map(|n| hub.subscribe(&format!("account {n}")).expect("room"))
        .collect();
    assert_eq!(hub.subscribe("late").err(), Some(Refused::TooMany));
    streams.pop();
    assert!(hub.subscribe("late").is_ok());
    hub.close();
    assert_eq!(streams[0].next().await, None);
    assert_eq!(hub.subscribe("later").err(), Some(Refused::Closed));
}
