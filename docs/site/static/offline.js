// Opened as files, pages may not read one another: search lists them then without a summary of each.
if (location.protocol === "file:") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}
