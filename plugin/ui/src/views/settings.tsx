import { React } from "../host";

export const SettingsView = () => <></>;
