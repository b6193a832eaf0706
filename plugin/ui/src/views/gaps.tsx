import { React } from "../host";

export const Gaps = () => <p>Gaps</p>;
