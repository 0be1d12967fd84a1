//! A page with the graph of a block: one file, which asks for nothing else.

use super::Profile;
use askama::Template;

#[derive(Template)]
#[template(path = "profile.html")]
struct Page {
    json: String,
    count: usize,
}

/// A page of profiles.
///
/// # Panics
/// Never: plain data can be written as JSON, and the template has no code that fails.
pub fn page(profiles: &[Profile]) -> String {
    let json = serde_json::to_string(profiles).expect("plain data");
    // In a script nothing may end the script.
    let json = json.replace('<', "\\u003c");
    Page { json, count: profiles.len() }.render().expect("plain data")
}

#[cfg(test)]
mod tests {
    use super::{super::tests::example, *};

    #[test]
    fn no_name_ends_the_script() {
        let mut profile = example();
        profile.block = "</script><script>alert(1)</script>".to_owned();
        let page = page(&[profile]);
        assert_eq!(page.matches("</script>").count(), 2, "data and code");
        assert!(!page.contains("http://") && !page.contains("https://"));
    }
}
