// What a page gains where scripts run: a choice of theme, copying, scrolling by keyboard, the mark in the contents, a key for the search.
const root = document.documentElement

const button = document.querySelector(".theme")
const themes = { "": "auto", light: "light", dark: "dark" }
function setTheme(chosen) {
  if (chosen) root.dataset.theme = chosen
  else delete root.dataset.theme
  try { localStorage.setItem("theme", chosen) } catch { /* a page from a folder may have no storage */ }
  button.textContent = `Theme: ${themes[chosen]}`
}
setTheme(root.dataset.theme ?? "")
button.hidden = false
button.addEventListener("click", () => {
  const names = Object.keys(themes)
  setTheme(names[(names.indexOf(root.dataset.theme ?? "") + 1) % names.length])
})

for (const cell of document.querySelectorAll(".cell_input")) {
  const copy = document.createElement("button")
  copy.type = "button"
  copy.className = "copy"
  copy.textContent = "Copy"
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(cell.querySelector("pre").textContent.trimEnd())
      copy.textContent = "Copied"
    } catch {
      getSelection().selectAllChildren(cell.querySelector("pre"))
      copy.textContent = "Selected"
    }
    setTimeout(() => { copy.textContent = "Copy" }, 2000)
  })
  cell.append(copy)
}

// What is too wide scrolls, so the keyboard must reach it.
const watch = new ResizeObserver(entries => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) {
      target.tabIndex = 0
      target.setAttribute("role", "group")
      target.setAttribute("aria-label", target.tagName === "PRE" ? "Code" : "Table")
    } else for (const name of ["tabindex", "role", "aria-label"]) target.removeAttribute(name)
  }
})
for (const wide of document.querySelectorAll("pre, .scroll, .math")) watch.observe(wide)

const contents = document.querySelector(".sections")
const links = new Map([...document.querySelectorAll(".sections a[href^='#']")].map(link => [link.hash.slice(1), link]))
const heads = [...document.querySelectorAll("article section[id]")].filter(section => links.has(section.id))
function mark() {
  const passed = heads.filter(section => section.getBoundingClientRect().top < innerHeight / 4).at(-1)
  for (const [id, link] of links) {
    if (id !== passed?.id) link.removeAttribute("aria-current")
    else if (!link.hasAttribute("aria-current")) {
      link.setAttribute("aria-current", "true")
      contents.scrollTop += link.getBoundingClientRect().top - contents.getBoundingClientRect().top - contents.clientHeight / 2
    }
  }
}
let asked = false
addEventListener("scroll", () => {
  if (asked) return
  asked = true
  requestAnimationFrame(() => { asked = false; mark() })
}, { passive: true })
mark()

addEventListener("keydown", event => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.matches("input, textarea, select")) return
  event.preventDefault()
  document.querySelector(".find input").focus()
})

// A link to a folded answer or solution opens it.
function unfold() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)))
  for (let fold = target && target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true
}
addEventListener("hashchange", unfold)
unfold()
