window.siteHeadings = [];
