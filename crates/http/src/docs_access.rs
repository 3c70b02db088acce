/// Who may see the interactive documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Docs {
    /// Everyone.
    Always,
    /// Everyone, if the application is being developed.
    #[default]
    InDevelopment,
    /// Nobody.
    Never,
}
