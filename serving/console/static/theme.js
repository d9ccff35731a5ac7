// Runs before anything is painted, so that a chosen theme does not flash.
try {
  const chosen = localStorage.getItem("touchpoint-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch (error) {
  // storage may be forbidden; then the system's theme holds
}
