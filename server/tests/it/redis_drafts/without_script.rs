//! A form that a browser without script posts while Redis is away, which has what it was drawn with.

use super::*;

const RECORD: &str = "/records/activity/1";

impl Panel {
    /// Drawn with a draft that is in Redis, and with no control for some of its text: the column is gone.
    async fn form_with_homeless_text(&self) -> DrawnForm {
        self.until_drafts_are_kept_in("redis").await;
        let typed = self.app.form(RECORD).await.with("v.notes", "homeless text");
        self.postgres
            .query("maintenance", "ALTER TABLE activity DROP COLUMN notes")
            .expect("it goes");
        let page = self.app.post(&typed.with("v.title", "Typed first")).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.body);
        let drawn = DrawnForm::read(&page.body);
        assert!(
            drawn.value("v.notes").is_none() && page.body.contains("homeless text"),
            "it is only shown: {}",
            page.body
        );
        drawn
    }

    /// Once Redis is back.
    async fn still_has(&self, text: &str) {
        self.redis.restart().expect("it starts again");
        self.until_drafts_are_kept_in("redis").await;
        for page in [RECORD, "/drafts"] {
            let page = self.app.get(page).await.body;
            assert!(page.contains(text), "{page}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_could_not_post_outlives_the_save_of_the_rest() {
    let panel = Panel::prepared().await;
    let form = panel.form_with_homeless_text().await;
    panel.redis.kill();
    panel.until_drafts_are_kept_in("spill").await;
    assert_eq!(panel.app.post(&form).await.status, StatusCode::SEE_OTHER);
    panel.still_has("homeless text").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_could_not_post_outlives_a_save_that_failed() {
    let panel = Panel::prepared().await;
    let form = panel.form_with_homeless_text().await.with("v.title", "Typed later");
    panel.redis.kill();
    panel.until_drafts_are_kept_in("spill").await;
    let refused = panel.app.post(&form.with("v.hours", "no number")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    panel.still_has("homeless text").await;
    let all = panel.app.get("/drafts/export?as=json").await.body;
    assert!(all.contains("Typed later"), "{all}");
}
