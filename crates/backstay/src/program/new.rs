use std::process::ExitCode;

use super::print;
use crate::Failure;
use crate::arguments::New;
use crate::new::{NewError, Target, Template, check_name};
use crate::terminal::Terminal;

/// Makes an application, after asking for what was not given.
pub(super) fn new(arguments: New) -> Result<ExitCode, Failure> {
    let target = Target::find(&arguments.path)?;
    let terminal = Terminal::interactive();
    let name = match (arguments.name, &terminal) {
        (Some(name), _) => name,
        (None, Some(terminal)) => ask_name(terminal, target.name())?,
        (None, None) => target.name().ok_or(NewError::NoName)?,
    };
    check_name(&name)?;
    let template = match (arguments.template, &terminal) {
        (Some(name), None) => Template::named(&name)?,
        (Some(name), Some(terminal)) => ask_again(terminal, Template::named(&name))?,
        (None, Some(terminal)) => ask_template(terminal)?,
        (None, None) => Template::Blog,
    };
    target.make(template, &name)?;
    let enter = match target.path().to_string_lossy().as_ref() {
        "." => String::new(),
        path => format!("  cd {}\n", quoted(path)),
    };
    print(&format!(
        "made {name} from the template `{}`; serve it, and each change as you save it, with\n\n{enter}  backstay \
         dev\n\nREADME.md has the first requests, and model/ is what to change next.\n",
        template.name()
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn ask_name(terminal: &Terminal, proposed: Option<String>) -> Result<String, Failure> {
    let hint = proposed.as_ref().map_or(String::new(), |name| format!(" [{name}]"));
    let typed = terminal.ask(&format!("Name of the application{hint}: "))?;
    Ok(if typed.is_empty() { proposed.ok_or(NewError::NoName)? } else { typed })
}

fn ask_template(terminal: &Terminal) -> Result<Template, Failure> {
    let known = Template::ALL.map(Template::name);
    let typed = terminal.ask(&format!("Template ({}) [blog]: ", known.join(", ")))?;
    if typed.is_empty() { Ok(Template::Blog) } else { ask_again(terminal, Template::named(&typed)) }
}

/// The template, or the one that is chosen instead of one that doesn't exist.
fn ask_again(terminal: &Terminal, named: Result<Template, NewError>) -> Result<Template, Failure> {
    match named {
        Ok(template) => Ok(template),
        Err(error) => {
            terminal.tell(&format!("{error}; {}", error.help()))?;
            ask_template(terminal)
        }
    }
}

/// A path as a shell reads it.
fn quoted(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./~+,:@".contains(&byte);
    if path.bytes().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}
