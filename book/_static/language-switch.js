// The switch between languages is a plain link. This takes the reader's place along: the section in view, which has
// the same id in every language, and on the search page what was searched for.
for (const event of ["pointerdown", "click"]) {
  document.addEventListener(event, ({ target }) => {
    const link = target.closest("a.language-switch");
    if (!link) return;
    const sections = Array.from(document.querySelectorAll("article section section[id]"));
    const seen = sections.filter((section) => section.getBoundingClientRect().top < window.innerHeight / 3).at(-1);
    link.hash = seen ? seen.id : window.location.hash;
    link.search = window.location.search;
  });
}
