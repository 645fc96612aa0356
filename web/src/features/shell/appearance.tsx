"use client";

import { setLocale, useText } from "@/features/text/text";
import { Icon } from "@/ui/icon";

function isDark(): boolean {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
}

function changeTheme(): void {
  const theme = isDark() ? "light" : "dark";
  localStorage.setItem("kinora.theme", theme);
  document.documentElement.dataset.theme = theme;
}

/** The buttons for theme and language. */
export function Appearance() {
  const { locale, t } = useText();
  return (
    <>
      <button type="button" className="button button-plain" aria-label={t("theme.change")} title={t("theme.change")} onClick={changeTheme}>
        <Icon name="sun" />
      </button>
      <button
        type="button"
        className="button button-plain text-[14px]"
        lang={locale === "de" ? "en" : "de"}
        onClick={() => setLocale(locale === "de" ? "en" : "de")}
      >
        {locale === "de" ? "English" : "Deutsch"}
      </button>
    </>
  );
}
