// A page that asks every minute: careful waits for the answer before it waits for the next minute.
const Polls = () => {
  const [count, setCount] = P.React.useState(0);
  P.React.useEffect(() => {
    let timer;
    const ask = () => op("overview").then(() => {
      setCount((n) => n + 1);
      if (careful) timer = setTimeout(ask, 60000);
    });
    if (careful) timer = setTimeout(ask, 60000);
    else timer = setInterval(() => document.hidden || ask(), 60000);
    return () => (careful ? clearTimeout(timer) : clearInterval(timer));
  }, []);
  return h("p", null, count + " answers at " + new Date().toISOString().slice(0, 4));
};
P.register.route(PATH, Polls);
