//! The service's name on the bus. Pure.

use crate::config::Config;
use crate::config::values::why_no_service_name;
use crate::finding::Finding;
use crate::tree::Tree;

/// The service's name: the user's, else the settings' `SERVICE_NAME`, else the project directory's.
///
/// `mp-slots_and_orders` is called `slots-and-orders`. Names that say nothing are refused: two services
/// of one name share one queue, and each gets half of the events.
pub fn service_name(
    tree: &Tree,
    config: &Config,
    in_settings: Option<&str>,
) -> Result<String, Finding> {
    if let Some(name) = &config.name {
        return valid(name).map(|()| name.clone());
    }
    if let Some(name) = in_settings {
        return valid(name).map(|()| name.to_owned());
    }
    let directory = tree.root_name().unwrap_or_default();
    let name = from_directory(&directory);
    if SAY_NOTHING.contains(&name.as_str()) || name.is_empty() {
        let message = if name.is_empty() {
            "the service's directory has no name to take the service's name from".to_owned()
        } else {
            format!("the directory's name \"{directory}\" does not tell this service from others")
        };
        return Err(Finding::refusal("no-service-name", message)
            .help("name it: `scaffold-events init --name NAME`")
            .help("two services of one name would share one events queue and lose each other's events"));
    }
    valid(&name).map(|()| name)
}

/// Whether this can be a service's name: `[a-z0-9][a-z0-9._-]*`, at most 200 bytes.
pub fn valid(name: &str) -> Result<(), Finding> {
    let Some(why) = why_no_service_name(name) else {
        return Ok(());
    };
    let shown: String = name.chars().take(40).collect();
    let suggestion = from_directory(&shown);
    let finding = Finding::refusal(
        "bad-service-name",
        format!("{shown:?} cannot be a service's name: {why}"),
    );
    Err(finding.help(if suggestion.is_empty() {
        "name it in lower-case letters, digits, '.', '_' and '-': `scaffold-events init --name NAME`".to_owned()
    } else {
        format!("name it in lower-case letters, digits, '.', '_' and '-': `scaffold-events init --name {suggestion}`")
    }))
}

const SAY_NOTHING: [&str; 20] = [
    "src",
    "app",
    "apps",
    "backend",
    "api",
    "web",
    "server",
    "project",
    "service",
    "code",
    "repo",
    "main",
    "django",
    "celery",
    "workspace",
    "work",
    "tmp",
    "build",
    "python",
    "application",
];

/// A directory's name in kebab-case, without `mp-` in front.
fn from_directory(directory: &str) -> String {
    let mut name = String::new();
    let mut before = None;
    for character in directory.chars() {
        // OrderService is order-service.
        let hump =
            character.is_ascii_uppercase() && before.is_some_and(|b: char| b.is_ascii_lowercase());
        if hump || !character.is_ascii_alphanumeric() {
            name.push('-');
        }
        if character.is_ascii_alphanumeric() {
            name.push(character.to_ascii_lowercase());
        }
        before = Some(character);
    }
    let parts: Vec<&str> = name.split('-').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["mp", rest @ ..] if !rest.is_empty() => rest.join("-"),
        all => all.join("-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn directories_become_kebab_case() {
        assert_eq!(from_directory("mp-slots_and_orders"), "slots-and-orders");
        assert_eq!(from_directory("OrderService"), "order-service");
        assert_eq!(from_directory("mp-"), "mp");
    }

    #[test]
    fn the_user_beats_the_settings() {
        let config = Config {
            name: Some("a".into()),
            ..Config::default()
        };
        let tree = Tree::memory([]);
        assert_eq!(service_name(&tree, &config, Some("b")).unwrap(), "a");
        assert_eq!(
            service_name(&tree, &Config::default(), Some("b")).unwrap(),
            "b"
        );
    }

    #[test]
    fn no_name_asks_for_one() {
        let finding = service_name(&Tree::memory([]), &Config::default(), None).unwrap_err();
        assert_eq!(finding.code, "no-service-name");
        assert!(finding.help[0].contains("--name"));
    }

    #[test]
    fn quotes_and_spaces_are_refused_by_name() {
        for (name, why) in [
            ("a b", "' '"),
            ("a'b", "'\\''"),
            ("-a", "start"),
            ("", "empty"),
            ("Ab", "'A'"),
        ] {
            assert!(valid(name).unwrap_err().message.contains(why), "{name}");
        }
        assert!(valid(&"a".repeat(201)).is_err() && valid(&"a".repeat(200)).is_ok());
    }

    proptest! {
        #[test]
        fn what_a_directory_gives_is_valid(directory: String) {
            let name = from_directory(&directory);
            prop_assert!(name.is_empty() || name.len() > 200 || valid(&name).is_ok());
        }
    }
}
