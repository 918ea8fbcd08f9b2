/** How the page of the API looks. It is served by itself: the page has no style in it. */
export const docsStyle = `
:root { color-scheme: light dark; --line: #8883; --soft: #8882; --link: light-dark(#0b57d0, #8ab4f8) }
* { box-sizing: border-box }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; display: grid; grid-template-columns: 17rem minmax(0, 1fr) }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1rem; border-right: 1px solid var(--line); font-size: 13px }
nav ul { list-style: none; margin: 0 0 1rem; padding: 0 }
main { padding: 1rem 2rem 4rem; max-width: 60rem }
a { color: var(--link); text-decoration: none }
a:hover, a:focus-visible { text-decoration: underline }
h1 { margin-top: 0 }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line) }
section { margin: 2rem 0 }
code, pre { font: 13px/1.45 ui-monospace, monospace }
pre { padding: .75rem; background: var(--soft); border-radius: 6px; overflow: auto }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line) }
th { font-weight: 600 }
.method { text-transform: uppercase; font-weight: 700 }
.needed { font-size: 12px; opacity: .75 }
@media (max-width: 50rem) { body { display: block } nav { position: static; height: auto; border: 0 } }
`
