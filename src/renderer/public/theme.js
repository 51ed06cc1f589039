// Sets the theme before the first paint. Blocking on purpose, no module, nothing else in here; later changes: ui/theme.ts.
(function () {
  var wanted = 'system';
  try {
    wanted = localStorage.getItem('nextvec-theme') || 'system';
  } catch {
    // Storage may be closed to the page; the system's theme is right then.
  }
  var dark = wanted === 'dark' || (wanted !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
